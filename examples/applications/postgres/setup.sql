-- The role and the database, by the variables of the environment. It may be run again: a start that was killed is.
\getenv user POSTGRES_USER
\getenv password POSTGRES_PASSWORD
\getenv database POSTGRES_DB

SELECT format('CREATE ROLE %I LOGIN', :'user')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user') \gexec
ALTER ROLE :"user" PASSWORD :'password';

SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'user')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
