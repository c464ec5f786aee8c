-- Columns of a type that the names in the document cannot have.
alter table organizations alter column credits_balance drop default, alter column credits_balance type text;
alter table agent_sessions alter column message_count drop default, alter column message_count type text;
alter table agents alter column config type text;
