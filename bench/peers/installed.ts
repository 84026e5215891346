import { borgTools } from './borg.ts';
import { bupTools } from './bup.ts';
import { exuviaTools } from './exuvia.ts';
import { resticTools } from './restic.ts';
import type { Tool } from './tools.ts';

/** The product, and the tools with repositories that are found here: in their best settings, and in those nearest to ours. */
export function installedTools(): Tool[] {
  return [...exuviaTools(), ...resticTools(), ...borgTools(), ...bupTools()];
}
