export type ReadyFacts = {
  readonly gateway: string;
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly dataDir: string;
  readonly model: string;
  /** True for the model that is there so that there is one. */
  readonly isDemoModel: boolean;
  readonly needsKey: boolean;
  readonly startSeconds: number;
};

/** What a person reads when everything runs: addresses, lines to try, and what to change next. */
export function readyText(facts: ReadyFacts): string {
  const { gateway, needsKey } = facts;
  const key = needsKey ? ` \\\n    -H "authorization: Bearer $KEY"` : '';
  const keyFrame = needsKey ? `s.send(JSON.stringify({ type: "auth", key: process.env.KEY })); ` : '';
  const socket = `${gateway.replace(/^http/, 'ws')}/v1/chat`;
  return `
Steno is ready after ${facts.startSeconds.toFixed(1)} s.

  chat       ${gateway}/chat
  gateway    ${gateway}
  kafka      ${facts.brokers.join(', ')}
  registry   ${facts.registryUrl}
  data       ${facts.dataDir}
  model      ${facts.model}

Try it in another terminal${needsKey ? ', with an API key of yours in KEY' : ''}:

  curl -N ${gateway}/v1/chat -H 'content-type: application/json'${key} \\
    -d '{"message": "Why is the sky blue?"}'

  node_modules/.bin/node -e '
    const s = new WebSocket("${socket}");
    s.onopen = () => { ${keyFrame}s.send(JSON.stringify({ type: "message", text: "Why is the sky blue?" })); };
    s.onmessage = (e) => { console.log(e.data); if (/"type":"(done|error)"/.test(e.data)) s.close(); }'
${facts.isDemoModel ? swapText : ''}
Ctrl-C stops everything; "node bin/steno.js status" shows how it is.
`;
}

const swapText = `
The model is a small one for a demonstration. For better answers start with one of these:

  STENO_MODEL=/path/to/model.gguf npm start
  STENO_MODEL=owner/name/file.gguf npm start               a file of the Hugging Face hub
  STENO_MODELS_FILE=/path/to/catalogue.json npm start      a catalogue like inference-workers/models/catalogue.json
`;
