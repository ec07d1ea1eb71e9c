// Makes workload keys on the platform's thread pool, so that a burst does not block the event loop.
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { KEY_TABLE } from '../../../domain/x509/key-types.ts';
import type { KeyGenerator } from '../../../ports/issuing/key-generator.ts';

const generate = promisify(generateKeyPair);

export const keyGenerator: KeyGenerator = {
  generate: async (keyType) => {
    const { publicKey, privateKey } = await generate('ec', { namedCurve: KEY_TABLE[keyType].curve?.name ?? '' });
    return {
      spki: publicKey.export({ format: 'der', type: 'spki' }),
      privateKeyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }),
    };
  },
};
