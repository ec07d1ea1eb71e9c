// The CA that signs an issuer's intermediates by itself, and when it is asked: the same fields for every issuer.
import type { z } from 'zod';
import { certManager } from './cert-manager.ts';
import { duration, fields, fraction, type Shape } from './shapes.ts';
import { vaultPki } from './vault.ts';

const [DAY_MS, HALF] = [86_400_000, 1 / 2];
/** As SPIRE activates the next X.509 CA (`preparationThreshold` and `activationThreshold` in pkg/server/ca/manager). */
const FIVE_SIXTHS = 5 / 6;

/** The ways to reach one, each a shape in a file of its own. */
const KINDS = { vault: vaultPki, certManager } as const;

const FIELDS = [
  ...Object.entries(KINDS).map(([kind, { words }]) => `\`${kind}\` with ${words}`),
  ...['lifetime', 'prepareAt', 'activateAt'].map((field) => `\`${field}\``),
];

const upstreamFields = fields(`an upstream: ${FIELDS.join('; ')}`, {
  vault: vaultPki.schema.optional(),
  certManager: certManager.schema.optional(),
  lifetime: duration('5m', '3650d')
    .schema.optional()
    .transform((ms) => ms ?? 30 * DAY_MS),
  prepareAt: fraction(0.05, 0.9).schema.default(HALF),
  activateAt: fraction(0.1, 0.95).schema.default(FIVE_SIXTHS),
});

/** `lifetime` in ms; `prepareAt` and `activateAt` are shares of the life of the intermediate in force. */
export type UpstreamPlace = z.output<typeof upstreamFields.schema>;

export const upstream: Shape<UpstreamPlace> = {
  ...upstreamFields,
  schema: upstreamFields.schema
    .refine((place) => Object.keys(KINDS).filter((kind) => Object.hasOwn(place, kind)).length === 1, {
      error: `must name one of ${Object.keys(KINDS).join(', ')}`,
    })
    .refine(({ prepareAt, activateAt }) => prepareAt < activateAt, { error: 'must prepare before it activates' }),
};
