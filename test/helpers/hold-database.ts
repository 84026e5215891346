/** Commits one transaction, begins another that spills to disk, says so, and waits to be killed. Argument: the database. */
import Database from 'better-sqlite3';

const database = new Database(process.argv[2]);
database.pragma('cache_size = 5');
database.pragma('wal_autocheckpoint = 0');
database.exec("INSERT INTO chunks (text) VALUES ('the last committed row')");
database.exec('BEGIN');
database.exec("UPDATE chunks SET text = 'not committed' || id");
process.stdout.write('holding\n');
// A database that nothing refers to is closed by the garbage collector.
setInterval(() => database.inTransaction, 1000);
