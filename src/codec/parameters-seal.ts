/** The seal of encrypted parameters: only who has a key of the repository can have made them. */
import { DamageError } from '../model/errors.ts';
import type { RepositoryKeys } from './keys.ts';
import { nodeCrypto, secretKey } from './node-crypto.ts';
import { type RepositoryParameters, sealedText } from './parameters.ts';

export function sealParameters(parameters: RepositoryParameters, keys: RepositoryKeys): RepositoryParameters {
  const open = {
    ...parameters,
    encryption: { cipher: 'aes-256-gcm', publicKey: keys.publicKey.toString('hex'), seal: '' } as const,
  };
  return { ...open, encryption: { ...open.encryption, seal: sealOf(open, keys).toString('hex') } };
}

/** @throws DamageError when somebody without a key has made or changed them */
export function checkParametersSeal(
  parameters: RepositoryParameters,
  keys: RepositoryKeys,
  path: string,
): void {
  const found = Buffer.from(parameters.encryption?.seal ?? '', 'hex');
  const wanted = sealOf(parameters, keys);
  const isSealed = found.length === wanted.length && nodeCrypto().timingSafeEqual(found, wanted);
  if (!isSealed || parameters.encryption?.publicKey !== keys.publicKey.toString('hex')) {
    throw new DamageError(path, 'its seal does not match: it was changed by somebody without a key');
  }
}

function sealOf(parameters: RepositoryParameters, keys: RepositoryKeys): Buffer {
  const hmac = nodeCrypto().createHmac('sha256', secretKey(keys.deriveWriterKey('parameters')));
  return hmac.update(sealedText(parameters)).digest();
}
