// Where an API server is and what is shown to it. What stands in files of its own is read again while the server runs, for
// tokens and certificates rotate; what a program gives is asked for again when it ends.

/** PEM or a token: as text, or in a file that is read again and again. */
export type Material = { readonly text: string } | { readonly file: string };

export interface ApiAccess {
  /** What an operator calls it: the path of the kubeconfig. */
  readonly place: string;
  readonly server: URL;
  /** Of the context, or of the pod. */
  readonly namespace?: string;
  /** Anchors for the server's certificate; those of Node when absent. */
  readonly ca?: Material;
  /** By which the server is verified, when it is reached by another name. */
  readonly serverName?: string;
  /** Over which it is reached, by CONNECT: `http:` or `https:`, with a password or without. */
  readonly proxy?: URL;
  readonly certificate?: Material;
  readonly key?: Material;
  readonly token?: Material;
  /** Gives token or certificate; absent where these are given. */
  readonly program?: CredentialProgram;
}

/** A program that prints credentials (Kubernetes, client-go credential plugins). */
export interface CredentialProgram {
  /** The path of the kubeconfig that names it. */
  readonly place: string;
  /** A path, or a name to be found by PATH. */
  readonly command: string;
  /** May hold secrets, as the environment may. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Of the ExecCredential that it prints: `client.authentication.k8s.io/v1`. */
  readonly apiVersion: string;
  /** How to get it, in the kubeconfig's words. */
  readonly installHint?: string;
}
