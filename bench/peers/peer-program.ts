export const PEER_NAMES = ['litellm', 'portkey'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

/** How a proxy of somebody else's is installed and started before the backend. */
export type PeerProgram = {
  readonly name: PeerName;
  /**
   * Installs it in the cache directory if it is not there. It asks for the key if one is given and it knows keys. Throws
   * Error where that cannot be.
   */
  readonly start: (
    backendUrl: string,
    key: string | null,
  ) => Promise<{
    /** Version and settings, for the report. */
    readonly about: string;
    readonly command: string;
    readonly parameters: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly readyUrl: string;
    readonly baseUrl: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly clean: () => Promise<void>;
  }>;
};
