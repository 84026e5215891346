/** Loaded into the program before anything else: fsync does nothing. A test of power cuts must find that something is lost. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

fs.fsyncSync = () => {};
fs.fdatasyncSync = () => {};
syncBuiltinESMExports();
