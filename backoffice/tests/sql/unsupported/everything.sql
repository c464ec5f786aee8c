-- Several faults at once: the refusal must name them all.
alter table phone_numbers drop column organization_id cascade;
alter table call_logs drop column organization_id cascade;
alter table organizations alter column credits_balance drop default, alter column credits_balance type text;
alter table agents alter column config type text;
alter table user_profiles drop column email cascade;
