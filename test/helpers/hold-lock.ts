/** Holds a lock of a repository until it is killed. Arguments: the lock's file, then the words of the command that it is taken for. */
import Database from 'better-sqlite3';

const database = new Database(process.argv[2]);
database.exec('BEGIN EXCLUSIVE');
process.stdout.write('holding\n');
// A database that nothing refers to is closed by the garbage collector.
setInterval(() => database.inTransaction, 1000);
