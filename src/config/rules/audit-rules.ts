// Rules between the keys that say how the journal is proven.
import type { Config } from '../schema.ts';
import type { Rule } from './rules.ts';

const PLACES = ['keyFile', 'pkcs11', 'transit'] as const;

const hasKey = ({ audit }: Config): boolean => PLACES.some((place) => audit[place] !== undefined);

export const AUDIT_RULES: readonly Rule[] = [
  ...(['pkcs11', 'transit'] as const).map((place): Rule => ({
    reads: [`audit.${place}`, ...PLACES.filter((other) => other !== place).map((other) => `audit.${other}`)],
    check: ({ audit }) => {
      const [first] = PLACES.filter((one) => audit[one] !== undefined);
      if (audit[place] === undefined || first === place || first === undefined) return [];
      return [{ problem: `must be absent with audit.${first}: a key is in one place` }];
    },
  })),
  ...(['keyPassphraseFile', 'keyPassphraseEnv'] as const).map((secret): Rule => ({
    reads: [`audit.${secret}`, 'audit.keyFile', 'audit.keyPassphraseFile'],
    check: ({ audit }) => {
      if (audit[secret] === undefined) return [];
      if (audit.keyFile === undefined) return [{ problem: 'is of no use without audit.keyFile' }];
      const isSecond = secret === 'keyPassphraseEnv' && audit.keyPassphraseFile !== undefined;
      return isSecond ? [{ problem: 'must be absent with audit.keyPassphraseFile' }] : [];
    },
  })),
  ...(['caFile', 'tokenFile'] as const).map((field): Rule => ({
    reads: [`audit.witness.${field}`, 'audit.witness.url'],
    check: ({ audit: { witness } }) =>
      witness[field] !== undefined && witness.url === undefined
        ? [{ problem: 'is of no use without audit.witness.url' }]
        : [],
  })),
  ...(['file', 'url'] as const).map((field): Rule => ({
    reads: [`audit.witness.${field}`, ...PLACES.map((place) => `audit.${place}`)],
    check: (config) =>
      config.audit.witness[field] !== undefined && !hasKey(config)
        ? [
            {
              problem:
                'needs a key of heads (audit.keyFile, audit.pkcs11 or audit.transit): without one there are none',
            },
          ]
        : [],
  })),
];
