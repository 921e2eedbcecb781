# Read by the Postgres image when it makes its cluster: the services' login roles, with the passwords that stand in their
# URLs, before the first migration looks for them. schema/roles.sql, out of our image, says what else they must have.
for url in "$SUBSCRIPTION_URL" "$DELIVERY_URL" "$TRIGGER_URL"; do
    login=${url#*://}
    login=${login%%@*}
    psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
        --set role="${login%%:*}" --set password="${login#*:}" <<'SQL'
create role :"role" login password :'password';
SQL
done
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --file "$ROLES_FILE"
