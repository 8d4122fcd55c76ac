/** What differs from one broker to the next. */
export type BrokerSettings = {
  readonly host: string;
  readonly port: number;
  readonly controllerPort: number;
  /** `host:port` that clients are told to connect to. */
  readonly advertised: string;
  readonly moreListeners?: readonly Listener[];
};

/** One more door of the broker: who comes in there is told to come back by the `advertised` address. */
export type Listener = { readonly name: string; readonly port: number; readonly advertised: string };

/** The largest record batch, and so the largest event, the platform accepts. */
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

/** Renders `server.properties` of the one-node broker. Paths in it are relative to its working directory. */
export function renderBrokerProperties(settings: BrokerSettings): string {
  return render({ ...identity(settings), ...ONE_NODE, ...PROMISES, ...SMALL_MACHINE });
}

function identity(settings: BrokerSettings): Properties {
  const { host, port, controllerPort, moreListeners = [] } = settings;
  const doors: readonly Listener[] = [
    { name: 'BROKER', port, advertised: settings.advertised },
    ...moreListeners,
  ];
  const listen = doors.map((door) => `${door.name}://${host}:${door.port}`);
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${host}:${controllerPort}`,
    listeners: [...listen, `CONTROLLER://${host}:${controllerPort}`].join(','),
    'advertised.listeners': doors.map((door) => `${door.name}://${door.advertised}`).join(','),
    'listener.security.protocol.map': [...doors.map(({ name }) => name), 'CONTROLLER']
      .map((name) => `${name}:PLAINTEXT`)
      .join(','),
    'inter.broker.listener.name': 'BROKER',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': 'data',
  };
}

type Properties = Readonly<Record<string, string | number | boolean>>;

/** Internal topics are replicated three times by default, which one node cannot do. */
const ONE_NODE: Properties = {
  'default.replication.factor': 1,
  'min.insync.replicas': 1,
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 8,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 4,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'share.coordinator.state.topic.num.partitions': 4,
};

/** Settings that the platform's promises rest on. */
const PROMISES: Properties = {
  'auto.create.topics.enable': false,
  'log.message.timestamp.type': 'LogAppendTime',
  'unclean.leader.election.enable': false,
  'group.min.session.timeout.ms': 1000,
  'group.initial.rebalance.delay.ms': 0,
  'broker.session.timeout.ms': 3000,
  'broker.heartbeat.interval.ms': 500,
  'message.max.bytes': MAX_MESSAGE_BYTES,
  'replica.fetch.max.bytes': MAX_MESSAGE_BYTES,
  'socket.request.max.bytes': 2 * MAX_MESSAGE_BYTES,
  // Offsets of a system that was switched off for weeks are still known.
  'offsets.retention.minutes': 60 * 24 * 90,
};

/** Threads, buffers and housekeeping for a laptop. */
const SMALL_MACHINE: Properties = {
  'num.network.threads': 2,
  'num.io.threads': 4,
  'group.coordinator.threads': 2,
  'num.recovery.threads.per.data.dir': 2,
  'background.threads': 2,
  'socket.listen.backlog.size': 200,
  // -1 lets the system size the buffers of a loopback connection.
  'socket.send.buffer.bytes': -1,
  'socket.receive.buffer.bytes': -1,
  'queued.max.requests': 200,
  'max.connections': 2000,
  'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
  'log.index.size.max.bytes': 2 * 1024 * 1024,
  'log.segment.bytes': 256 * 1024 * 1024,
  'offsets.topic.segment.bytes': 16 * 1024 * 1024,
  'transaction.state.log.segment.bytes': 16 * 1024 * 1024,
  'share.coordinator.state.topic.segment.bytes': 16 * 1024 * 1024,
  // An idle controller writes a record that often; the default is twice a second, each with a flush.
  'metadata.max.idle.interval.ms': 5000,
  // Metadata records wait this long to share a write; there is nobody to share with.
  'controller.quorum.append.linger.ms': 2,
  'metric.reporters': '',
};

/** Renders the broker's logging: one file, rolled at 10 MB, two old ones kept. */
export function renderBrokerLogging(file: string): string {
  return render({
    shutdownHook: 'disable',
    'appender.file.type': 'RollingFile',
    'appender.file.name': 'file',
    'appender.file.fileName': file,
    'appender.file.filePattern': `${file}.%i`,
    'appender.file.layout.type': 'PatternLayout',
    'appender.file.layout.pattern': '%d{yyyy-MM-dd HH:mm:ss,SSS} %p %m (%c{1})%n',
    'appender.file.policies.type': 'Policies',
    'appender.file.policies.size.type': 'SizeBasedTriggeringPolicy',
    'appender.file.policies.size.size': '10MB',
    'appender.file.strategy.type': 'DefaultRolloverStrategy',
    'appender.file.strategy.max': 2,
    'rootLogger.level': 'warn',
    'rootLogger.appenderRef.file.ref': 'file',
    'logger.server.name': 'kafka.server.KafkaRaftServer',
    'logger.server.level': 'info',
    'logger.group.name': 'org.apache.kafka.coordinator.group',
    'logger.group.level': 'info',
  });
}

function render(properties: Properties): string {
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
  return `${lines.join('\n')}\n`;
}
