-- A deployment that never had the legacy chat. Run as postgres over older_shape.sql and odd_rows.sql.
drop table chat_messages, chat_sessions;
