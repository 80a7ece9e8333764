import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The work in Kafka Streams: known ids and profiles in RocksDB, the ledger in a topic, all of it
 * exactly once (v2). Arguments: server, group, topic, ledger, folder of the state, threads,
 * milliseconds between two commits (it comes with 100).
 */
public final class Peer {
  private static final AtomicBoolean HAS_BEGUN = new AtomicBoolean();

  @JsonIgnoreProperties(ignoreUnknown = true)
  record Event(String id, String customer, long occurred_ms, long amount_minor) {}

  /** Count, spend and last time, 24 bytes; and whether an id is known. */
  static final class Fold implements Processor<String, byte[], String, String> {
    private static final byte[] KNOWN = {};
    private final ObjectReader reader = new ObjectMapper().readerFor(Event.class);
    private ProcessorContext<String, String> context;
    private KeyValueStore<String, byte[]> known;
    private KeyValueStore<String, byte[]> profiles;

    @Override
    public void init(ProcessorContext<String, String> context) {
      this.context = context;
      known = context.getStateStore("known");
      profiles = context.getStateStore("profiles");
    }

    @Override
    public void process(Record<String, byte[]> record) {
      if (!HAS_BEGUN.getPlain() && HAS_BEGUN.compareAndSet(false, true)) {
        System.out.printf("began %.3f%n", System.currentTimeMillis() / 1e3);
      }
      Event event = decoded(record.value());
      if (known.putIfAbsent(event.id(), KNOWN) != null) {
        return;
      }
      byte[] before = profiles.get(event.customer());
      ByteBuffer found = ByteBuffer.wrap(before == null ? new byte[24] : before);
      byte[] after =
          ByteBuffer.allocate(24)
              .putLong(found.getLong() + 1)
              .putLong(found.getLong() + event.amount_minor())
              .putLong(Math.max(found.getLong(), event.occurred_ms()))
              .array();
      profiles.put(event.customer(), after);
      String line = event.id() + " " + event.amount_minor() / 100;
      context.forward(record.withKey(event.customer()).withValue(line));
    }

    private Event decoded(byte[] value) {
      try {
        return reader.readValue(value);
      } catch (IOException cause) {
        throw new UncheckedIOException(cause);
      }
    }
  }

  public static void main(String[] given) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, given[0]);
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, given[1]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, given[4]);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, given[5]);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, given[6]);
    settings.put("producer.compression.type", "lz4");

    Topology topology = new Topology();
    topology.addSource(
        "events",
        Serdes.String().deserializer(),
        Serdes.ByteArray().deserializer(),
        given[2]);
    topology.addProcessor("fold", Fold::new, "events");
    topology.addStateStore(store("known"), "fold");
    // Customers are skewed: of many changes between two commits, one is written.
    topology.addStateStore(store("profiles").withCachingEnabled(), "fold");
    topology.addSink(
        "ledger", given[3], Serdes.String().serializer(), Serdes.String().serializer(), "fold");

    KafkaStreams streams = new KafkaStreams(topology, settings);
    streams.setUncaughtExceptionHandler(
        cause -> {
          cause.printStackTrace();
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }

  private static StoreBuilder<KeyValueStore<String, byte[]>> store(String name) {
    return Stores.keyValueStoreBuilder(
        Stores.persistentKeyValueStore(name), Serdes.String(), Serdes.ByteArray());
  }
}
