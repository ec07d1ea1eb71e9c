// A secret in Envoy's words. Only inline bytes: anything else would be read from the proxy's disk or
// environment. Trust material only: name matchers sent here would widen those of the proxy's own
// configuration, because repeated fields of both are joined.
import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { SecretSchema, type Secret } from '../../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import { SPIFFECertValidatorConfigSchema } from '../../../gen/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.js';
import type { TrustBundle } from '../../../domain/trust/bundle.ts';
import type { BundleContent, SecretContent, SvidContent } from './secret-content.ts';

const SPIFFE_VALIDATOR = 'envoy.tls.cert_validator.spiffe';

/** @returns the Secret under the name that the client asked for. */
export function secretMessage(name: string, content: SecretContent): Secret {
  const type = content.kind === 'svid' ? tlsCertificate(content) : validationContext(content);
  return create(SecretSchema, { name, type });
}

/** Leaf first, then intermediates, no trust anchor; the key unencrypted. */
function tlsCertificate({ svid }: SvidContent) {
  const value = { certificateChain: inline(svid.certificateChainPem), privateKey: inline(svid.privateKeyPem) };
  return { case: 'tlsCertificate', value } as const;
}

function validationContext({ bundle, crlPem, shape, preamble }: BundleContent) {
  const anchors = inline(preamble + bundle.pem);
  const value =
    shape === 'plain'
      ? { trustedCa: anchors, ...(crlPem !== undefined && { crl: inline(crlPem), onlyVerifyLeafCertCrl: true }) }
      : { customValidatorConfig: spiffeValidator(bundle, anchors) };
  return { case: 'validationContext', value } as const;
}

/** The validator looks at its own list of trust domains and ignores `trusted_ca`. */
function spiffeValidator({ trustDomain, federated }: TrustBundle, trustBundle: ReturnType<typeof inline>) {
  const others = federated.map((other) => ({ name: other.trustDomain, trustBundle: inline(other.pem) }));
  const trustDomains = [{ name: trustDomain, trustBundle }, ...others];
  const config = create(SPIFFECertValidatorConfigSchema, { trustDomains });
  return { name: SPIFFE_VALIDATOR, typedConfig: anyPack(SPIFFECertValidatorConfigSchema, config) };
}

function inline(text: string) {
  return { specifier: { case: 'inlineBytes', value: Buffer.from(text) } } as const;
}
