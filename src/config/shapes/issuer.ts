// Where an issuer's certificates and its key are: the same fields for the default issuer and for additional ones.
import { duration, fields, filePath, parsed } from './shapes.ts';
import { clusterId } from './structures.ts';

/** More intermediates than a mesh is divided among. */
export const MAX_ADDITIONAL_ISSUERS = 16;

/** One that holds a secret. Those that begin with CAPSTAN_ are configuration keys, and shown. */
export const environmentVariable = parsed<string>('the name of an environment variable', (text) =>
  /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(text) && !text.startsWith('CAPSTAN_')
    ? text
    : { problem: 'must be the name of an environment variable, not one that begins with CAPSTAN_' },
);

export interface IssuerPlace {
  readonly chainFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly keyPassphraseFile?: string | undefined;
  readonly keyPassphraseEnv?: string | undefined;
  readonly directory?: string | undefined;
}

export const PLACE_FIELDS = [
  'chainFile',
  'keyFile',
  'keyPassphraseFile',
  'keyPassphraseEnv',
  'directory',
] as const satisfies readonly (keyof IssuerPlace)[];

export interface PlaceProblem {
  readonly field: keyof IssuerPlace;
  readonly problem: string;
}

/** What is wrong with the fields together. */
export function placeProblems(place: IssuerPlace): readonly PlaceProblem[] {
  const { chainFile, keyFile, keyPassphraseFile, keyPassphraseEnv, directory } = place;
  const files = { chainFile, keyFile };
  return (['chainFile', 'keyFile'] as const)
    .flatMap((field): readonly PlaceProblem[] => {
      const given = files[field] !== undefined;
      if (given === (directory === undefined)) return [];
      return [
        {
          field,
          problem: given
            ? 'must be absent with `directory`, which has both'
            : 'is required: a file path, or `directory`',
        },
      ];
    })
    .concat(
      keyPassphraseFile !== undefined && keyPassphraseEnv !== undefined
        ? [{ field: 'keyPassphraseEnv', problem: 'must be absent with `keyPassphraseFile`' }]
        : [],
    );
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
    maxTtl: duration('2s', '365d').schema.optional(),
  },
);
