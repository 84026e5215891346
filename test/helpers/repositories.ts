/** How a repository of a test is opened: a new one, plain or encrypted. */
import { randomBytes } from 'node:crypto';
import { wrapWithKeyFile } from '../../src/codec/key-slots.ts';
import { RepositoryKeys } from '../../src/codec/keys.ts';
import { encryptionFeature } from '../../src/codec/parameters.ts';
import { sealParameters } from '../../src/codec/parameters-seal.ts';
import { newParameters } from '../../src/repository/parameters-file.ts';
import type { OpenOptions } from '../../src/repository/repository.ts';

export function plainOptions(): OpenOptions {
  return { mode: 'append', create: true, lockWaitMs: 1000, nowMs: 0, random: randomBytes };
}

export function encryptedOptions(): OpenOptions {
  const id = randomBytes(16);
  const keys = RepositoryKeys.ofMasterKey(randomBytes(32), id);
  const common = { id: '00112233', role: 'full', label: '', created: new Date(0).toISOString() } as const;
  const slot = wrapWithKeyFile(common, keys.masterKey!, randomBytes(32), randomBytes(32), id);
  const parameters = { ...newParameters(id.toString('hex'), 0), keySlots: [slot] };
  return {
    ...plainOptions(),
    keys,
    parameters: sealParameters({ ...parameters, requiredFeatures: [encryptionFeature] }, keys),
  };
}
