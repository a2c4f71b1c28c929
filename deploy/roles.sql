-- The three roles of a database, made once, by its superuser; psql with HOLDFAST_OWNER_PASSWORD and HOLDFAST_LOGIN_PASSWORD set.
-- The superuser is for whoever runs the server. The owner migrates and makes keys of staff. The application logs in as a
-- role that owns nothing, and works as holdfast_app, which migrations grant the least to: SET ROLE NONE gains nothing.
\set ON_ERROR_STOP on
\getenv owner_password HOLDFAST_OWNER_PASSWORD
\getenv login_password HOLDFAST_LOGIN_PASSWORD
CREATE ROLE holdfast_app NOLOGIN;
CREATE ROLE holdfast_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE holdfast_login LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'login_password';
GRANT holdfast_app TO holdfast_login;
SELECT current_database() AS here \gset
ALTER DATABASE :"here" OWNER TO holdfast_owner;
REVOKE ALL ON DATABASE :"here" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"here" TO holdfast_login;
