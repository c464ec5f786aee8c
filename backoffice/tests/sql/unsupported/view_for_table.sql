-- A view under the name of a table.
drop table call_logs;
create view call_logs as select gen_random_uuid() as id, null::uuid as organization_id;
