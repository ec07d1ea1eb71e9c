// The certificate that the TLS listener shows, and the anchors by which it judges those of clients. The first is there
// before the listener opens, unless operators let no issuer sign; later ones come by themselves.
import type { HttpsListener } from '../../adapters/http/https-listener.ts';
import {
  servingProblem,
  startServingCertificate,
  type ServingCertificate,
} from '../../authority/serving-certificate.ts';
import type { OwnCertificates } from '../../authority/trust/own-certificates.ts';
import type { Config } from '../../config/schema.ts';
import { notReadyBy } from '../../ports/platform/health.ts';
import type { Foundation } from './foundation.ts';
import { servingNamesOf } from './trust/issuers.ts';
import type { Issuing } from './issuing.ts';
import type { Listeners } from './listeners.ts';

interface Former {
  readonly issuing: Issuing;
  readonly ownCertificates: OwnCertificates;
  readonly listeners: Listeners;
  /** Further listeners that show it. */
  readonly https: readonly HttpsListener[];
}

export function composeServingCertificate(config: Config, foundation: Foundation, former: Former): void {
  const { clock, health, startUp, running } = foundation;
  const { issuing, listeners, https, ownCertificates: moves } = former;
  const { tls } = listeners;
  const { ttl } = config.serving;
  const settings = {
    names: servingNamesOf(config),
    lifetimes: { ...issuing.lifetimes, defaultMs: ttl, maxMs: ttl },
  };
  let installed: ServingCertificate | undefined;
  const install = (certificate: ServingCertificate): void => {
    installed = certificate;
    const { certificateChainPem, privateKeyPem, trustAnchor, notAfterMs } = certificate;
    moves.note({ name: 'the serving certificate', trustAnchor, notAfterMs });
    const material = { certChainPem: certificateChainPem, keyPem: privateKeyPem };
    tls.setServingCertificate(material);
    for (const listener of https) listener.setServingCertificate(material);
  };
  startUp.at('load', async () => {
    const options = { signal: running };
    const parts = { ...issuing.parts, install, moves };
    tls.setClientTrust(parts.anchors.current().pem);
    parts.anchors.onChange(({ pem }) => tls.setClientTrust(pem), options);
    await startServingCertificate(parts, settings, options);
  });
  health.report('serving certificate', () => notReadyBy(servingProblem(installed, clock.nowMs())));
}
