import assert from 'node:assert/strict';
import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack, type Any } from '@bufbuild/protobuf/wkt';
import { encodeDeltaReply, encodeSotwReply } from '../../../../src/adapters/grpc/sds/encode.ts';
import { bundleContent, svidContent, type BundleShape } from '../../../../src/adapters/grpc/sds/secret-content.ts';
import { SECRET_TYPE_URL } from '../../../../src/adapters/grpc/sds/session/session.ts';
import type { WorkloadSvid } from '../../../../src/authority/surface/surface.ts';
import { parseTrustDomain } from '../../../../src/domain/identity/trust-domain.ts';
import { TrustBundle } from '../../../../src/domain/trust/bundle.ts';
import { SecretSchema } from '../../../../src/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { SPIFFECertValidatorConfigSchema } from '../../../../src/gen/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.js';
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
} from '../../../../src/gen/envoy/service/discovery/v3/discovery_pb.js';
import { good, testAuthority, type TestAuthority } from '../../../support/certificates.ts';
import { workloadSvid } from '../../../support/workload-svid.ts';

const URI = 'spiffe://cluster.local/ns/default/sa/demo';

describe('A reply', () => {
  let authority: TestAuthority;
  let svid: WorkloadSvid;

  before(async () => {
    authority = await testAuthority();
    svid = await workloadSvid(authority, URI);
  });

  const secretIn = (any: Any | undefined) => anyUnpack(any!, SecretSchema)!;

  it('of the state of the world is one DiscoveryResponse with all secrets, version, type and nonce', () => {
    const secrets = [
      { name: 'default', content: svidContent(svid) },
      { name: 'ROOTCA', content: bundleContent(authority.bundle, 'plain') },
    ];
    const bytes = encodeSotwReply({ nonce: 'n-1', version: 'v', secrets, absent: [] });
    const response = fromBinary(DiscoveryResponseSchema, bytes);
    assert.equal(response.versionInfo, 'v');
    assert.equal(response.nonce, 'n-1');
    assert.equal(response.typeUrl, SECRET_TYPE_URL);
    assert.deepEqual(
      response.resources.map(({ typeUrl }) => typeUrl),
      [SECRET_TYPE_URL, SECRET_TYPE_URL],
    );
    assert.deepEqual(
      response.resources.map((any) => secretIn(any).name),
      ['default', 'ROOTCA'],
    );
  });

  it('of delta names each resource as its secret, with its version, and what is absent', () => {
    const content = svidContent(svid);
    const secrets = [{ name: 'default', content }];
    const bytes = encodeDeltaReply({ nonce: 'n-1', version: 'v', secrets, absent: ['gone'] });
    const response = fromBinary(DeltaDiscoveryResponseSchema, bytes);
    assert.equal(response.nonce, 'n-1');
    assert.equal(response.typeUrl, SECRET_TYPE_URL);
    assert.deepEqual(response.removedResources, ['gone']);
    assert.equal(response.resources.length, 1);
    assert.equal(response.resources[0]!.name, 'default');
    assert.equal(response.resources[0]!.version, content.version);
    assert.equal(secretIn(response.resources[0]!.resource).name, 'default');
  });

  it('carries a certificate as inline bytes: the chain without root, and the key in PKCS#8', () => {
    const content = svidContent(svid);
    const bytes = encodeSotwReply({ nonce: 'n', version: 'v', secrets: [{ name: URI, content }], absent: [] });
    const { name, type } = secretIn(fromBinary(DiscoveryResponseSchema, bytes).resources[0]);
    assert.equal(name, URI);
    assert.ok(type.case === 'tlsCertificate');
    assert.equal(text(type.value.certificateChain), svid.certificateChainPem);
    assert.equal(text(type.value.privateKey), svid.privateKeyPem);
    assert.match(svid.privateKeyPem, /^-----BEGIN PRIVATE KEY-----/);
  });

  it('carries a plain bundle as trusted_ca and nothing else', () => {
    const content = bundleContent(authority.bundle, 'plain');
    const bytes = encodeSotwReply({ nonce: 'n', version: 'v', secrets: [{ name: 'ROOTCA', content }], absent: [] });
    const { type } = secretIn(fromBinary(DiscoveryResponseSchema, bytes).resources[0]);
    assert.ok(type.case === 'validationContext');
    assert.equal(text(type.value.trustedCa), authority.bundle.pem);
    assert.deepEqual(type.value.matchTypedSubjectAltNames, []);
    assert.equal(type.value.customValidatorConfig, undefined);
  });

  it('carries a bundle for the SPIFFE validator by trust domain and nothing else', () => {
    const content = bundleContent(authority.bundle, 'spiffe-validator');
    const bytes = encodeSotwReply({ nonce: 'n', version: 'v', secrets: [{ name: 'ALL', content }], absent: [] });
    const { type } = secretIn(fromBinary(DiscoveryResponseSchema, bytes).resources[0]);
    assert.ok(type.case === 'validationContext');
    assert.equal(type.value.trustedCa, undefined);
    assert.deepEqual(type.value.matchTypedSubjectAltNames, []);
    assert.equal(type.value.customValidatorConfig?.name, 'envoy.tls.cert_validator.spiffe');
    const config = anyUnpack(type.value.customValidatorConfig.typedConfig!, SPIFFECertValidatorConfigSchema)!;
    assert.deepEqual(
      config.trustDomains.map(({ name, trustBundle }) => [name, text(trustBundle)]),
      [['cluster.local', authority.bundle.pem]],
    );
  });

  it('carries the anchors of federated trust domains for the SPIFFE validator alone', async () => {
    const foreign = good<TrustBundle>(
      TrustBundle.fromPem(parseTrustDomain('b.test')!, (await testAuthority()).root.certificatePem),
    );
    const bundle = authority.bundle.federatedWith([foreign]);
    const contextOf = (shape: BundleShape) => {
      const secrets = [{ name: 'ROOTCA', content: bundleContent(bundle, shape) }];
      const bytes = encodeSotwReply({ nonce: 'n', version: 'v', secrets, absent: [] });
      const { type } = secretIn(fromBinary(DiscoveryResponseSchema, bytes).resources[0]);
      assert.ok(type.case === 'validationContext');
      return type.value;
    };
    assert.equal(text(contextOf('plain').trustedCa), authority.bundle.pem);
    const { typedConfig } = contextOf('spiffe-validator').customValidatorConfig!;
    const { trustDomains } = anyUnpack(typedConfig!, SPIFFECertValidatorConfigSchema)!;
    assert.deepEqual(
      trustDomains.map(({ name, trustBundle }) => [name, text(trustBundle)]),
      [
        ['cluster.local', authority.bundle.pem],
        ['b.test', foreign.pem],
      ],
    );
    // 2. Versions follow what is carried.
    const [plain, validator] = (['plain', 'spiffe-validator'] as const).map((shape) => [
      bundleContent(authority.bundle, shape).version,
      bundleContent(bundle, shape).version,
    ]);
    assert.equal(plain![0], plain![1]);
    assert.notEqual(validator![0], validator![1]);
  });
});

describe('The version of a secret', () => {
  it('is the same for the same content, in every process', async () => {
    const authority = await testAuthority();
    const svid = await workloadSvid(authority, URI);
    assert.equal(svidContent(svid).version, svidContent({ ...svid }).version);
    assert.equal(svidContent({ ...svid, certificateChainPem: 'fixed' }).version, FIXED);
  });

  it('differs with the content and with the shape of a bundle, and does not depend on the key', async () => {
    const { bundle } = await testAuthority();
    const other = (await testAuthority()).bundle;
    const versions = [bundle, other].flatMap((one) =>
      (['plain', 'spiffe-validator'] as const).map((shape) => bundleContent(one, shape).version),
    );
    assert.equal(new Set(versions).size, 4);
    const svid = await workloadSvid(await testAuthority(), URI);
    assert.equal(svidContent(svid).version, svidContent({ ...svid, privateKeyPem: 'other' }).version);
  });
});

/** First 32 digits of `printf '["svid","fixed"]' | sha256sum`. */
const FIXED = 'fd8b774d7ec720a1c650f410ed67e7ac';

function text(source: { specifier: { case?: string | undefined; value?: unknown } } | undefined): string {
  assert.equal(source?.specifier.case, 'inlineBytes');
  return Buffer.from(source.specifier.value as Uint8Array).toString();
}
