/**
 * Gives the memory of a large buffer back at once; nobody may use it afterwards. Left to the collector, every 64 MB or so that were
 * allocated make it look through the whole heap, in threads of its own: a quarter of the processor time of a large restore.
 */
export function giveBack(bytes: Uint8Array): void {
  const { buffer } = bytes;
  // Small buffers share their memory with others.
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0);
}
