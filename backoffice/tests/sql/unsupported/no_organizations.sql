-- Tenancy by user, from before there were organizations: nothing tells whose rows these are.
alter table agents drop column organization_id cascade;
alter table sip_trunks drop column organization_id cascade;
alter table phone_numbers drop column organization_id cascade;
alter table usage_logs drop column organization_id cascade;
alter table call_logs drop column organization_id cascade;
drop table organizations cascade;
