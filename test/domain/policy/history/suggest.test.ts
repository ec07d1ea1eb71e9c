import assert from 'node:assert/strict';
import { parseDuration } from '../../../../src/domain/text/duration.ts';
import {
  durationUpTo,
  NamespaceObservations,
  type ObservedCertificate,
} from '../../../../src/domain/policy/history/suggest.ts';

const HOUR_MS = 3_600_000;

function seen(changes: Partial<ObservedCertificate> = {}): ObservedCertificate {
  return {
    trustDomain: 'cluster.local',
    serviceAccount: 'web',
    key: { type: 'ec-p256', bits: 0 },
    lifetimeMs: HOUR_MS,
    dnsNames: [],
    issuer: 'default',
    ...changes,
  };
}

function narrowingFrom(...certificates: readonly ObservedCertificate[]): unknown {
  const observations = new NamespaceObservations('shop');
  for (const certificate of certificates) observations.add(certificate);
  return observations.suggest('suggested')?.spec.narrow;
}

describe('A suggested policy', () => {
  it('allows what was seen, and what was never seen it refuses', () => {
    assert.deepEqual(narrowingFrom(seen()), {
      trustDomains: ['cluster.local'],
      serviceAccounts: ['web'],
      dnsNames: 'none',
      ttl: { max: '1h' },
      keys: ['ec-p256'],
      impersonators: [],
      issuer: 'default',
    });
  });

  it('takes the weakest RSA key and the longest lifetime for the limit', () => {
    const rsa = (bits: number) => ({ key: { type: 'rsa', bits } });
    assert.deepEqual(
      narrowingFrom(
        seen({ ...rsa(4096), actor: 'istio-system/ztunnel', dnsNames: ['b.example'] }),
        seen({ ...rsa(3072), serviceAccount: 'api', lifetimeMs: 2 * HOUR_MS + 1, dnsNames: ['a.example'] }),
      ),
      {
        trustDomains: ['cluster.local'],
        serviceAccounts: ['api', 'web'],
        dnsNames: ['a.example', 'b.example'],
        ttl: { max: '121m' },
        keys: ['rsa>=3072'],
        impersonators: ['istio-system/ztunnel'],
        issuer: 'default',
      },
    );
  });

  it('leaves out what the format cannot say: more than one issuer, more than 1,000 names', () => {
    const many = Array.from({ length: 1_001 }, (_, index) => seen({ serviceAccount: `sa-${index}` }));
    const narrow = narrowingFrom(...many, seen({ issuer: 'other' })) as object;
    assert.deepEqual(Object.keys(narrow), ['trustDomains', 'dnsNames', 'ttl', 'keys', 'impersonators']);
  });

  it('is not made of nothing', () => {
    assert.equal(narrowingFrom(), undefined);
  });

  it('writes lifetimes that policies can be written with, never shorter than what was seen', () => {
    const lifetimes = [1, 59_999, 60_000, HOUR_MS - 1_000, HOUR_MS, 90 * 60_000, 24 * HOUR_MS];
    assert.deepEqual(lifetimes.map(durationUpTo), ['1m', '1m', '1m', '1h', '1h', '90m', '1d']);
    for (const ms of lifetimes) assert.ok(Number(parseDuration(durationUpTo(ms))) >= ms);
  });
});
