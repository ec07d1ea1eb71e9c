// What one issuer from documents is made of, and how it begins.
import type { IssuerTrial, TrialMaterial } from '../../../authority/trust/issuer-trial.ts';
import type { IssuerBounds } from '../../../domain/issuance/chosen-issuer.ts';
import type { Issuer } from '../../../domain/x509/issuer.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { DocumentSource } from '../../../ports/platform/document-source.ts';
import type { MaterialSettings, MaterialSource } from './issuer-material.ts';
import type { IssuerEvents } from './issuer-reports.ts';

export interface DocumentIssuerParts extends MaterialSource {
  /** `chain` and `key`, and `anchors` where `trustAnchors` is absent; all PEM. */
  readonly documents: DocumentSource;
  readonly events: IssuerEvents;
  readonly clock: Clock;
  readonly trial: IssuerTrial;
  /** Waited for before another bundle, or an issuer below it, takes the place of what is in force; see RootsBeforeLeaves and listBeforeLeaves. */
  readonly beforeInForce?: (next: TrialMaterial, options: { readonly signal: AbortSignal }) => Promise<void>;
  /** What policies demand of an issuer beyond what peers do. Absent, nothing. */
  readonly demands?: IssuerDemands;
  /** Whether this CA has signed with the issuer before this start. Absent, it has not. */
  readonly wasInForce?: (issuer: Issuer, options: { readonly signal: AbortSignal }) => Promise<boolean>;
}

export interface DocumentIssuerSettings extends MaterialSettings {
  /** As policies call it. */
  readonly name: string;
  readonly bounds: IssuerBounds;
  /** Of the leaves that it may be asked for, in ms. */
  readonly longestLeafMs: number;
}

export interface IssuerDemands {
  /** @returns why policies would not take the issuer of that name, to follow what is called it; nothing when they would, or are not loaded. */
  readonly against: (name: string, issuer: Issuer) => string | undefined;
  /** Calls `listener` when they may demand something else, until the signal aborts. */
  readonly onChange: (listener: () => void, options: { readonly signal: AbortSignal }) => void;
}

export interface IssuerStart {
  readonly signal: AbortSignal;
  /** Whether the default issuer waits for a key whose place does not answer; what else is wrong with it ends the start. */
  readonly waitsForKey?: boolean;
}
