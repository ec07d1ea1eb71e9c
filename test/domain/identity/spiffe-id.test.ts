import assert from 'node:assert/strict';
import { MAX_SPIFFE_ID_BYTES, SpiffeId } from '../../../src/domain/identity/spiffe-id.ts';
import { kubernetesIdentity, kubernetesIdentityOf } from '../../../src/domain/identity/kubernetes-identity.ts';
import { parseTrustDomain } from '../../../src/domain/identity/trust-domain.ts';

function parsed(text: string): SpiffeId {
  const result = SpiffeId.parse(text);
  assert.ok(result instanceof SpiffeId, `${text} should be a SPIFFE ID`);
  return result;
}

describe('A SPIFFE ID', () => {
  it('has a trust domain, a path and one spelling', () => {
    const id = parsed('spiffe://cluster.local/ns/default/sa/demo');
    assert.equal(id.trustDomain, 'cluster.local');
    assert.equal(id.path, '/ns/default/sa/demo');
    assert.equal(id.uri, 'spiffe://cluster.local/ns/default/sa/demo');
  });

  it('may be that of the trust domain itself', () => {
    assert.equal(parsed('spiffe://cluster.local').path, '');
  });

  const longest = `spiffe://td/${'a'.repeat(MAX_SPIFFE_ID_BYTES - 'spiffe://td/'.length)}`;

  it('may be 2,048 bytes long', () => {
    assert.equal(parsed(longest).uri.length, MAX_SPIFFE_ID_BYTES);
  });

  const refused: readonly [text: string, problem: RegExp][] = [
    ['', /spiffe:\/\//],
    ['https://cluster.local/ns/a/sa/b', /spiffe:\/\//],
    ['SPIFFE://cluster.local/ns/a/sa/b', /spiffe:\/\//],
    ['spiffe://', /trust domain/],
    ['spiffe://Cluster.local/ns/a/sa/b', /trust domain/],
    ['spiffe://user@cluster.local/ns/a/sa/b', /trust domain/],
    ['spiffe://cluster.local:443/ns/a/sa/b', /trust domain/],
    ['spiffe://cluster.local/', /path/],
    ['spiffe://cluster.local/ns//sa/b', /path/],
    ['spiffe://cluster.local/ns/a/sa/b/', /path/],
    ['spiffe://cluster.local/ns/../sa/b', /path/],
    ['spiffe://cluster.local/ns/./sa/b', /path/],
    ['spiffe://cluster.local/ns/a%2Fb/sa/c', /path/],
    ['spiffe://cluster.local/ns/a/sa/b?x=1', /path/],
    ['spiffe://cluster.local/ns/a/sa/b#x', /path/],
    ['spiffe://cluster.local/ns/ä/sa/b', /path/],
    [`${longest}a`, /2048 bytes/],
  ];
  for (const [text, problem] of refused) {
    it(`is not ${JSON.stringify(text.length > 60 ? `${text.length} bytes` : text)}`, () => {
      const result = SpiffeId.parse(text);
      assert.ok('problem' in result);
      assert.match(result.problem, problem);
    });
  }
});

describe('A Kubernetes identity', () => {
  const trustDomain = parseTrustDomain('cluster.local')!;

  it('is spelled as Istio spells it', () => {
    const identity = kubernetesIdentity(trustDomain, 'shop', 'web.v2');
    assert.ok('spiffeId' in identity);
    assert.equal(identity.spiffeId.uri, 'spiffe://cluster.local/ns/shop/sa/web.v2');
  });

  it('is read back from its SPIFFE ID', () => {
    const identity = kubernetesIdentityOf(parsed('spiffe://cluster.local/ns/shop/sa/web'));
    assert.ok('namespace' in identity);
    assert.deepEqual([identity.namespace, identity.serviceAccount], ['shop', 'web']);
  });

  for (const path of [
    '',
    '/ns/shop',
    '/ns/shop/sa/web/extra',
    '/sa/web/ns/shop',
    '/ns/Shop/sa/web',
    '/ns/shop/sa/-web',
  ]) {
    it(`is not spelled ${path === '' ? 'without a path' : path}`, () => {
      assert.ok('problem' in kubernetesIdentityOf(parsed(`spiffe://cluster.local${path}`)));
    });
  }
});
