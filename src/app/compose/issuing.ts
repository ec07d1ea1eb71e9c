// What issuing a certificate takes, whoever asks for it: the CSR API, SDS or the server for itself.
import { keyGenerator } from '../../adapters/issuers/memory/key-generator.ts';
import type { IssuingParts } from '../../authority/issuing/issue-certificate.ts';
import type { Config } from '../../config/schema.ts';
import type { LifetimeSettings } from '../../domain/issuance/lifetime.ts';
import type { KeyGenerator } from '../../ports/issuing/key-generator.ts';
import type { Foundation } from './foundation.ts';
import type { Policy } from './policy/policy.ts';
import type { Storage } from './storage.ts';
import type { Trust } from './trust/trust.ts';

export interface Issuing {
  readonly parts: IssuingParts & { readonly keys: KeyGenerator };
  readonly lifetimes: LifetimeSettings;
}

interface Former {
  readonly storage: Storage;
  readonly trust: Trust;
  readonly policy: Policy;
}

export function composeIssuing({ lifetimes }: Config, foundation: Foundation, former: Former): Issuing {
  const { events, clock, random, tracer } = foundation;
  const { issuances, refusals } = former.storage;
  const { issuers, chooser } = former.trust;
  const anchors = issuers.trustAnchors;
  const { judgement } = former.policy;
  return {
    parts: {
      journal: issuances,
      refusals,
      events,
      clock,
      random,
      tracer,
      issuers,
      anchors,
      chooser,
      judgement,
      keys: keyGenerator,
    },
    lifetimes: {
      defaultMs: lifetimes.default,
      maxMs: lifetimes.max,
      minMs: lifetimes.min,
      backdateMs: lifetimes.backdate,
      jitterPercent: lifetimes.jitterPercent,
    },
  };
}
