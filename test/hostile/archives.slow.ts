/** Every hostile archive through every way. */
import { describe, test } from 'node:test';
import { attack, ways } from './attack.ts';
import { hostileArchives } from './corpus/all.ts';

describe('everything that takes an archive', () => {
  for (const archive of hostileArchives) test(`is safe from a ${archive.name}`, () => attack(archive, ways));
});
