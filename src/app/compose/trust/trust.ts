// Who signs, and whom the mesh trusts: our issuers and anchors, the anchors of other trust domains, and the watch over
// issuers whose leaves outlive their anchor.
import type { DocumentFederatedBundles } from '../../../adapters/issuers/documents/document-federated-bundles.ts';
import type { DocumentIssuers } from '../../../adapters/issuers/documents/document-issuers.ts';
import { IssuerChooser } from '../../../authority/issuing/choose-issuer.ts';
import { StrandedIssuers } from '../../../authority/trust/stranded-issuers.ts';
import type { Config } from '../../../config/schema.ts';
import { issuerReadiness } from '../../issuer-readiness.ts';
import { degradedBy } from '../../readiness.ts';
import { composeFederation } from './federation.ts';
import type { Foundation } from '../foundation.ts';
import { composeIssuers } from './issuers.ts';
import type { Storage } from '../storage.ts';

export interface Trust {
  readonly issuers: DocumentIssuers;
  readonly chooser: IssuerChooser;
  readonly federated: DocumentFederatedBundles;
}

export function composeTrust(config: Config, foundation: Foundation, { history }: Storage): Trust {
  const { clock, watching, random, events, telemetry, readiness, startUp, running } = foundation;
  const options = { signal: running };
  const issuers = composeIssuers(config, { clock: watching, random, events });
  const federated = composeFederation(config, { clock: watching, events });
  const stranded = new StrandedIssuers(
    { issuers, anchors: issuers.trustAnchors, former: history, clock, events },
    { longestLeafMs: config.lifetimes.max },
  );
  startUp.at('load', async () => {
    await issuers.start(options);
    stranded.start(options);
    await federated.start(options);
  });
  telemetry.observeAnchors(() => issuers.first.anchors());
  readiness.add('issuer', issuerReadiness(issuers, clock, { minLifetimeMs: config.lifetimes.min }));
  readiness.add('additional issuers', () => degradedBy(issuers.additionalProblem(clock.nowMs())));
  readiness.add('trust anchors', () => degradedBy(stranded.problem()));
  readiness.add('federated bundles', () => degradedBy(federated.problem));
  return { issuers, chooser: new IssuerChooser(issuers), federated };
}
