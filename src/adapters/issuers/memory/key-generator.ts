// Makes workload keys on the platform's thread pool, so that a burst does not block the event loop.
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { GeneratedKeyType, KeyGenerator } from '../../../ports/issuing/key-generator.ts';

const CURVES: Readonly<Record<GeneratedKeyType, string>> = { 'ec-p256': 'P-256', 'ec-p384': 'P-384' };
const generate = promisify(generateKeyPair);

export const keyGenerator: KeyGenerator = {
  generate: async (keyType) => {
    const { publicKey, privateKey } = await generate('ec', { namedCurve: CURVES[keyType] });
    return {
      spki: publicKey.export({ format: 'der', type: 'spki' }),
      privateKeyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }),
    };
  },
};
