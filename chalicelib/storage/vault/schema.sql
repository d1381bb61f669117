-- Sealed fields that live apart from the tables. Safe to run again; run it before each new version.
-- Every blob is AES-256-GCM under a key that is not in this database: see docs/personal-data.md.

create table if not exists kezek_sealed (
    reference text primary key,
    subject text not null,
    sealed text not null,
    made_at timestamptz not null default clock_timestamp(),
    -- When a row of the tables was last seen to refer to it; none: to be looked at.
    seen_at timestamptz,
    -- Since when no row refers to it.
    orphan_since timestamptz,
    -- How often a newer blob of the subject came; a look that began before counts for nothing.
    stirs integer not null default 0
);

create index if not exists kezek_sealed_subject on kezek_sealed (subject);
create index if not exists kezek_sealed_unseen on kezek_sealed (made_at) where seen_at is null;

-- A blob is written once. What is said of it (seen, orphan) may change, the blob may not.
create or replace function kezek_sealed_stays() returns trigger language plpgsql as $$
begin
    if (new.reference, new.subject, new.sealed, new.made_at)
        is distinct from (old.reference, old.subject, old.sealed, old.made_at) then
        raise exception 'a sealed blob is never changed';
    end if;
    return new;
end
$$;

create or replace trigger kezek_sealed_stays before update on kezek_sealed
    for each row execute function kezek_sealed_stays();
