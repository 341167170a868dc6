//! `colloquy migrate`.

use clap::Args;
use secrecy::SecretString;
use store::{MigrationPlan, PlannedMigration, PlannedStatement, SchemaState, TableLock};

use crate::config::secret::{self, DATABASE_DIRECT_URL, DATABASE_URL};

/// Characters of a statement that are printed.
const STATEMENT_CHARACTERS: usize = 100;

#[derive(Debug, Args)]
#[command(after_help = secret::help(&[&DATABASE_DIRECT_URL, &DATABASE_URL]))]
pub(super) struct Arguments {
    /// Change nothing: print the statements that would run, and the tables that each of them locks, as a
    /// scratch database on the same server shows them.
    #[arg(long)]
    plan: bool,
    #[arg(skip = DATABASE_DIRECT_URL.or(&DATABASE_URL)?)]
    database_direct_url: SecretString,
}

pub(super) async fn run(Arguments { plan, database_direct_url }: Arguments) -> anyhow::Result<()> {
    if plan {
        print_plan(&store::plan(&database_direct_url).await?);
    } else {
        print_applied(&store::migrate(&database_direct_url).await?);
    }
    Ok(())
}

fn print_applied(before: &SchemaState) {
    for migration in &before.pending {
        println!("{migration}");
    }
    println!("{} migrations applied.", before.pending.len());
    print_newer(before);
}

fn print_newer(schema: &SchemaState) {
    for migration in &schema.newer {
        println!("{migration} is of a newer release, beside which this release works.");
    }
}

fn print_plan(plan: &MigrationPlan) {
    print_newer(&plan.schema);
    if plan.migrations.is_empty() {
        println!("Nothing to apply.");
    }
    if let Some(reason) = &plan.unmeasured {
        println!("Locks are not measured: {reason}.");
    }
    for migration in &plan.migrations {
        print_migration(migration, plan.unmeasured.is_none());
    }
}

fn print_migration(
    PlannedMigration { name, is_transaction, statements }: &PlannedMigration,
    is_measured: bool,
) {
    let transaction = if *is_transaction {
        "one transaction, which holds its locks to the end"
    } else {
        "without a transaction; locks are not measured"
    };
    println!("\n{name} ({transaction})");
    for PlannedStatement { sql, locks } in statements {
        println!("  {}", shortened(sql));
        for lock in locks {
            println!("    {}", described(lock));
        }
        if locks.is_empty() && is_measured && *is_transaction {
            println!("    locks no existing table");
        }
    }
}

fn shortened(sql: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(STATEMENT_CHARACTERS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(&line)),
        None => line,
    }
}

fn described(lock: &TableLock) -> String {
    let TableLock { table, mode, rewrites, scans, bytes, rows } = lock;
    let blocks = match mode.as_str() {
        "" => "held already",
        "AccessExclusiveLock" => "blocks reads and writes",
        "ExclusiveLock" | "ShareRowExclusiveLock" | "ShareLock" => "blocks writes",
        "ShareUpdateExclusiveLock" => "blocks changes of the schema",
        _ => "blocks changes of the schema, and writes of the same rows",
    };
    let mode = if mode.is_empty() { "lock" } else { mode };
    let work = match (rewrites, scans) {
        (true, _) => "writes the whole table again",
        (false, true) => "reads the whole table",
        (false, false) => "takes no longer for a larger table",
    };
    let rows = if *rows < 0 { "rows not counted".to_owned() } else { format!("about {rows} rows") };
    format!("{table}: {mode}, {blocks}; {work} ({rows}, {} MiB)", bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_described_by_what_it_blocks_and_how_long() {
        let lock = TableLock {
            table: "events".to_owned(),
            mode: "AccessExclusiveLock".to_owned(),
            rewrites: true,
            scans: true,
            bytes: 5 << 20,
            rows: 1_000,
        };
        assert_eq!(
            described(&lock),
            "events: AccessExclusiveLock, blocks reads and writes; writes the whole table again (about 1000 rows, 5 MiB)"
        );
        let lock = TableLock { mode: "ShareLock".to_owned(), rewrites: false, rows: -1, ..lock };
        assert_eq!(
            described(&lock),
            "events: ShareLock, blocks writes; reads the whole table (rows not counted, 5 MiB)"
        );
    }

    #[test]
    fn a_long_statement_is_one_short_line() {
        let shortened = shortened(&format!("SELECT\n  '{}'", "ä".repeat(200)));
        assert_eq!(shortened.chars().count(), STATEMENT_CHARACTERS + 1);
    }
}
