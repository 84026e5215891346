// Compiles the WebAssembly kernels from AssemblyScript and writes each as base64 into a generated module.
// `--check` compares with what is committed instead of writing.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';

const kernels = [
  {
    source: 'src/chunker/assembly/kernel.ts',
    output: 'src/chunker/kernel.generated.ts',
    options: ['--importMemory'],
  },
  {
    source: 'src/codec/deflate/assembly/kernel.ts',
    output: 'src/codec/deflate/kernel.generated.ts',
    // Threads share its memory. Zeroed as it is: without the word, a megabyte of zeros would be part of the module.
    options: [
      ...['--importMemory', '--sharedMemory', '--zeroFilledMemory', '--enable', 'threads'],
      ...['--initialMemory', '42', '--maximumMemory', '42'],
    ],
  },
];
const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const folder = mkdtempSync(join(tmpdir(), 'exuvia-kernel-'));
let stale = 0;
for (const { source, output, options } of kernels) {
  if (names.length > 0 && !names.some((name) => source.includes(name))) continue;
  const wasm = join(folder, 'kernel.wasm');
  const { error, stderr } = await asc.main([
    source,
    '--outFile',
    wasm,
    '-O3',
    '--noAssert',
    '--runtime',
    'stub',
    '--enable',
    'simd',
    ...options,
  ]);
  if (error) {
    console.error(String(stderr));
    throw error;
  }
  const text = `// Made by \`npm run kernels\` from ${source}. Do not edit.\nexport const kernelBase64 =\n  '${readFileSync(wasm).toString('base64')}';\n`;
  if (!process.argv.includes('--check')) writeFileSync(output, text);
  else if (readFileSync(output, 'utf8') !== text) {
    console.error(`${output} is not what ${source} compiles to: run npm run kernels`);
    stale = 1;
  }
}
rmSync(folder, { recursive: true, force: true });
process.exit(stale);
