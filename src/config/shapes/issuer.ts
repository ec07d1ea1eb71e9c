// Where an issuer's certificates and its key are: the same fields for the default issuer and for additional ones.
import type { z } from 'zod';
import { duration, fields, filePath, integer, name, parsed, type Shape } from './shapes.ts';
import { clusterId } from './structures.ts';
import { transitKey, type TransitPlace } from './vault.ts';
import { upstream, type UpstreamPlace } from './upstream.ts';

/** More intermediates than a mesh is divided among. */
export const MAX_ADDITIONAL_ISSUERS = 16;

const keyId = parsed<string>('the CKA_ID of a key in hex', (text) =>
  /^([0-9a-f]{2}){1,64}$/i.test(text)
    ? text.toLowerCase()
    : { problem: 'must be the CKA_ID in hex, such as 01 or a1b2' },
);

/** One that holds a secret. Those that begin with CAPSTAN_ are configuration keys, and shown. */
export const environmentVariable = parsed<string>('the name of an environment variable', (text) =>
  /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(text) && !text.startsWith('CAPSTAN_')
    ? text
    : { problem: 'must be the name of an environment variable, not one that begins with CAPSTAN_' },
);

const TOKEN_KEY_WORDS =
  'a key in a token: `module`, `tokenLabel` or `slot`, `keyLabel` or `keyId`, `pinFile` or `pinEnv`';

const tokenKeyFields = fields(TOKEN_KEY_WORDS, {
  module: filePath.schema,
  tokenLabel: name.schema.optional(),
  slot: integer(0, Number.MAX_SAFE_INTEGER).schema.optional(),
  keyLabel: name.schema.optional(),
  keyId: keyId.schema.optional(),
  pinFile: filePath.schema.optional(),
  pinEnv: environmentVariable.schema.optional(),
});

/** A private key in a PKCS#11 token. */
export type TokenKeyPlace = z.output<typeof tokenKeyFields.schema>;

export const tokenKey: Shape<TokenKeyPlace> = {
  ...tokenKeyFields,
  schema: tokenKeyFields.schema
    .refine(({ tokenLabel, slot }) => (tokenLabel === undefined) !== (slot === undefined), {
      error: 'must name the token by `tokenLabel` or by `slot`',
    })
    .refine((place) => place.keyLabel !== undefined || place.keyId !== undefined, {
      error: 'must name the key by `keyLabel`, `keyId` or both',
    })
    .refine(({ pinFile, pinEnv }) => (pinFile === undefined) !== (pinEnv === undefined), {
      error: 'must say by `pinFile` or by `pinEnv` where the PIN is',
    }),
};

export interface IssuerPlace {
  readonly chainFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly keyPassphraseFile?: string | undefined;
  readonly keyPassphraseEnv?: string | undefined;
  readonly directory?: string | undefined;
  readonly pkcs11?: TokenKeyPlace | undefined;
  readonly transit?: TransitPlace | undefined;
  readonly upstream?: UpstreamPlace | undefined;
}

export const PLACE_FIELDS = [
  'chainFile',
  'keyFile',
  'keyPassphraseFile',
  'keyPassphraseEnv',
  'directory',
  'pkcs11',
  'transit',
  'upstream',
] as const satisfies readonly (keyof IssuerPlace)[];

/** Keys that are neither in a file nor in a folder, and why what belongs to files is absent with them. */
const REMOTE_KEYS = [
  { field: 'pkcs11', words: '`pkcs11`: the key is in a token', secret: '`pkcs11`: a token has a PIN' },
  { field: 'transit', words: '`transit`: the key is there', secret: '`transit`: the key is there' },
] as const;

export interface PlaceProblem {
  readonly field: keyof IssuerPlace;
  readonly problem: string;
}

/** What is wrong with the fields together. */
export function placeProblems(place: IssuerPlace): readonly PlaceProblem[] {
  const { chainFile, keyFile, keyPassphraseFile, keyPassphraseEnv, directory } = place;
  const wrong = (field: keyof IssuerPlace, is: boolean, problem: string): readonly PlaceProblem[] =>
    is ? [{ field, problem }] : [];
  const [elsewhere, another] = REMOTE_KEYS.filter(({ field }) => place[field] !== undefined);
  const inFolder = directory !== undefined;
  if (isInMemory(place)) return memoryProblems(place);
  return [
    ...wrong('chainFile', chainFile === undefined && !inFolder, 'is required: a file path, `directory` or `upstream`'),
    ...wrong('chainFile', chainFile !== undefined && inFolder, 'must be absent with `directory`, which has both'),
    ...wrong(
      'keyFile',
      keyFile === undefined && !inFolder && elsewhere === undefined,
      'is required: a file path, or `directory`, `pkcs11`, `transit` or `upstream`',
    ),
    ...wrong('keyFile', keyFile !== undefined && inFolder, 'must be absent with `directory`, which has both'),
    ...(elsewhere === undefined
      ? []
      : [
          ...wrong('keyFile', keyFile !== undefined, `must be absent with ${elsewhere.words}`),
          ...wrong('directory', inFolder, `must be absent with \`${elsewhere.field}\`: give \`chainFile\``),
          ...(['keyPassphraseFile', 'keyPassphraseEnv'] as const).flatMap((field) =>
            wrong(field, place[field] !== undefined, `must be absent with ${elsewhere.secret}`),
          ),
        ]),
    ...wrong('transit', another?.field === 'transit', 'must be absent with `pkcs11`: a key is in one place'),
    ...wrong(
      'keyPassphraseEnv',
      keyPassphraseFile !== undefined && keyPassphraseEnv !== undefined,
      'must be absent with `keyPassphraseFile`',
    ),
  ];
}

/** Whether its key is made at each start and ends with the server: it has a CA that signs by itself, and no folder. */
export function isInMemory({ upstream: from, directory }: IssuerPlace): boolean {
  return from !== undefined && directory === undefined;
}

/** Nothing of it is in a file or a token, nor is there anything to be encrypted. */
function memoryProblems(place: IssuerPlace): readonly PlaceProblem[] {
  const problem =
    'must be absent with `upstream`, which keeps key and certificate in memory, or in `directory` where that is given';
  return PLACE_FIELDS.filter((field) => field !== 'upstream' && place[field] !== undefined).map((field) => ({
    field,
    problem,
  }));
}

export const additionalIssuer = fields(
  `an issuer: \`name\`, \`chainFile\`, \`keyFile\`, \`maxTtl\`, and as for \`issuer\``,
  {
    name: clusterId.schema,
    chainFile: filePath.schema.optional(),
    keyFile: filePath.schema.optional(),
    keyPassphraseFile: filePath.schema.optional(),
    keyPassphraseEnv: environmentVariable.schema.optional(),
    directory: filePath.schema.optional(),
    pkcs11: tokenKey.schema.optional(),
    transit: transitKey.schema.optional(),
    upstream: upstream.schema.optional(),
    maxTtl: duration('2s', '365d').schema.optional(),
  },
);
