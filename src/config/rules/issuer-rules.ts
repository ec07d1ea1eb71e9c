// Rules between the keys that say where issuers and trust anchors are.
import { PLACE_FIELDS, placeProblems } from '../shapes/issuer.ts';
import type { Rule } from './rules.ts';

export const ISSUER_RULES: readonly Rule[] = [
  ...PLACE_FIELDS.map((field): Rule => {
    const others = PLACE_FIELDS.filter((other) => other !== field).map((other) => `issuer.${other}`);
    return {
      reads: [`issuer.${field}`, ...others],
      check: ({ issuer }) => placeProblems(issuer).filter((one) => one.field === field),
    };
  }),
  {
    reads: ['additionalIssuers'],
    check: ({ additionalIssuers }) =>
      additionalIssuers.flatMap((one, index) =>
        placeProblems(one).map(({ field, problem }) => ({ within: [index, field], problem })),
      ),
  },
  ...(['certificateFile', 'keyFile'] as const).map((field): Rule => ({
    reads: [`trustAnchors.endpoint.${field}`, 'trustAnchors.endpoint.address', 'trustAnchors.endpoint.profile'],
    check: ({ trustAnchors: { endpoint } }) => {
      const wanted = endpoint.address !== undefined && endpoint.profile === 'https_web';
      if (wanted === (endpoint[field] !== undefined)) return [];
      return wanted
        ? [{ problem: 'is required where trustAnchors.endpoint.address is given in the profile https_web' }]
        : [{ problem: 'is of no use without trustAnchors.endpoint.address in the profile https_web' }];
    },
  })),
  {
    reads: ['trustAnchors.file', 'issuer.directory'],
    check: ({ trustAnchors, issuer }) =>
      trustAnchors.file === undefined && issuer.directory === undefined
        ? [{ problem: 'is required: a file path, or `issuer.directory`' }]
        : [],
  },
];
