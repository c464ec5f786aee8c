-- Numbers and calls that say nothing of their organization.
alter table phone_numbers drop column organization_id cascade;
alter table call_logs drop column organization_id cascade;
