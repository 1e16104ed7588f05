package import Daemon
import Engine
import Health
import Notify
import Pixels
import Publishing
import Recording
import SystemSupport

/// The page that Prometheus reads at `/metrics`: the counters of the daemon, the web API and the process.
///
/// The labels have few values each: streams, stages, heads (models that score windows), states and routes. There is no
/// label for queries.
package enum MetricsPage {
    package static func text(_ daemon: DaemonMetrics, _ web: WebCounters.Snapshot) -> String {
        var page = Exposition()
        general(daemon, &page)
        streams(daemon, &page)
        scoring(daemon, &page)
        events(daemon, &page)
        notifiers(daemon.status.notifiers, &page)
        requests(web, &page)
        process(&page)
        return page.text
    }

    private static func general(_ daemon: DaemonMetrics, _ page: inout Exposition) {
        let status = daemon.status
        page.family(
            .gauge, "watchword_build_info", "Version and model; always 1.",
            [([("version", status.version), ("model", status.model), ("head", status.head)], 1)])
        page.value(.gauge, "watchword_uptime_seconds", "Since the daemon started.", status.uptime)
        page.value(
            .gauge, "watchword_ready", "1 once model, sockets, queries and streams are there.", daemon.isReady ? 1 : 0)
        page.value(
            .gauge, "watchword_scoring_alive", "1 while the scoring loop goes on.", daemon.problem == nil ? 1 : 0)
        page.value(.gauge, "watchword_queries", "Standing queries.", Double(status.queries))
        page.family(
            .gauge, "watchword_thresholds", "Learnt thresholds, one for each query and stream, by state.",
            [
                ([("state", "learning")], Double(status.thresholds.learning)),
                ([("state", "pinned")], Double(status.thresholds.pinned)),
                ([("state", "drifted")], Double(status.thresholds.drifted)),
            ])
    }

    private static func streams(_ daemon: DaemonMetrics, _ page: inout Exposition) {
        let streams = daemon.status.streams
        func label(_ stream: StreamStatus) -> Exposition.Labels { [("stream", stream.name)] }
        page.family(
            .gauge, "watchword_stream_state", "1 for the state that a stream is in.",
            streams.map { (label($0) + [("state", $0.state)], 1) })
        let states = daemon.measures.states.sorted { ($0.key.stream, $0.key.state) < ($1.key.stream, $1.key.state) }
        page.family(
            .counter, "watchword_stream_state_changes_total", "How often a stream came to a state.",
            states.map { ([("stream", $0.key.stream), ("state", $0.key.state)], Double($0.value)) })
        page.family(
            .counter, "watchword_stream_restarts_total", "How often a stream has played again.",
            states.filter { $0.key.state == "playing" }.map {
                ([("stream", $0.key.stream)], Double($0.value - 1))
            })
        page.family(
            .gauge, "watchword_stream_picture_good", "0 while a stream's pictures are black, frozen or blurred.",
            streams.map { (label($0), $0.picture == .good ? 1 : 0) })
        page.family(
            .gauge, "watchword_stream_effective_fps", "Sampled frames a second that are scored.",
            streams.map { (label($0), $0.effectiveFps) })
        page.family(
            .gauge, "watchword_stream_lag_seconds",
            "Seconds by which pictures come later than they did at best since the stream was opened.",
            streams.map { (label($0), $0.lag) })
        page.family(
            .counter, "watchword_frames_sampled_total", "Frames sampled.",
            streams.map { (label($0), Double($0.sampled)) })
        page.family(
            .counter, "watchword_stream_frames_gated_total", "Sampled frames that showed nothing new.",
            streams.map { (label($0), Double($0.gated)) })
        page.family(
            .counter, "watchword_frames_dropped_total",
            "Frames that were not scored: lost from a full queue, or left out under load.",
            streams.flatMap { stream in
                [
                    (label(stream) + [("reason", "queue")], Double(stream.dropped)),
                    (label(stream) + [("reason", "shed")], Double(stream.shed)),
                ]
            })
        page.family(
            .counter, "watchword_units_skipped_total", "Coded units dropped before the decoder.",
            streams.map { (label($0), Double($0.skippedUnits)) })
    }

    private static func scoring(_ daemon: DaemonMetrics, _ page: inout Exposition) {
        let status = daemon.status
        page.value(.counter, "watchword_frames_encoded_total", "Frames embedded.", Double(status.encoded))
        page.value(
            .counter, "watchword_frames_gated_total", "Frames that kept the embedding of an unchanged picture.",
            Double(status.gated))
        page.value(
            .counter, "watchword_frames_blind_total", "Frames that showed nothing: black, frozen or without any edge.",
            Double(status.blind))
        page.value(.counter, "watchword_windows_scored_total", "Windows scored.", Double(status.scored))
        page.value(
            .counter, "watchword_windows_rescored_total",
            "Windows that were scored again in float32: their scores were too near to a threshold.",
            Double(status.rescored))
        page.value(
            .counter, "watchword_windows_undecided_total",
            "Windows too near to a threshold for which there was no time: they were decided as they were.",
            Double(status.undecided))
        page.value(
            .counter, "watchword_batches_failed_total", "Batches that could not be scored.",
            Double(status.failedBatches))
        page.value(.gauge, "watchword_queue_frames", "Frames that wait to be scored.", Double(status.waiting))
        page.value(
            .gauge, "watchword_queue_keeps_ratio", "Share of their sampled frames that live streams keep.", daemon.keeps
        )
        page.histograms("watchword_batch_frames", "Frames taken at once.", [([], daemon.measures.batches)])
        let stages = DaemonHealth.Stage.allCases.compactMap { stage in
            daemon.measures.stages[stage].map { ([("stage", stage.rawValue)] as Exposition.Labels, $0) }
        }
        page.histograms(
            "watchword_stage_seconds",
            """
            wait, total: of a frame, from its time stamp until its batch begins, and until its events are out. publish: of a \
            batch, until its events are out. encode, score: of a batch, processor time.
            """, stages)
        let decoding = daemon.decoding.sorted { $0.key < $1.key }
        page.histograms(
            "watchword_decode_seconds", "Processor time of each hand-over to a stream's decoder.",
            decoding.map { ([("stream", $0.key)], $0.value.decode) })
        page.histograms(
            "watchword_scale_seconds", "Processor time of resizing each picture.",
            decoding.map { ([("stream", $0.key)], $0.value.scale) })
        page.histograms(
            "watchword_score",
            "Scores that were looked at: those at a query's threshold or above, and all of contrasts and budgets.",
            daemon.scores.sorted { $0.key < $1.key }.map { ([("head", $0.key)], $0.value) })
    }

    private static func events(_ daemon: DaemonMetrics, _ page: inout Exposition) {
        let journal = daemon.status.journal
        page.family(
            .counter, "watchword_events_total", "Phases of events that were told.",
            ["start", "update", "end"].map { ([("phase", $0)], Double(daemon.phases[$0] ?? 0)) })
        page.value(
            .gauge, "watchword_event_messages_waiting", "Phases of events that wait to be told.",
            Double(daemon.status.waitingMessages))
        page.value(
            .counter, "watchword_event_updates_coalesced_total",
            "Updates of events that were left out, since newer ones said what they said before they were told.",
            Double(daemon.status.coalescedUpdates))
        page.value(
            .gauge, "watchword_event_storm",
            "1 while events come faster than they are told; `status` names the queries.",
            daemon.status.storm == nil ? 0 : 1)
        page.value(.counter, "watchword_messages_published_total", "Messages published.", Double(daemon.published))
        page.value(
            .counter, "watchword_messages_unwritable_total", "Messages that could not be written.",
            Double(daemon.unwritable))
        page.value(
            .counter, "watchword_messages_lost_total", "Messages published that the journal never had.",
            Double(journal.lost))
        page.value(
            .gauge, "watchword_journal_backlog", "Messages published that wait to be stored.", Double(journal.backlog))
        page.value(
            .gauge, "watchword_journal_ok", "1 while what is published is stored first.", journal.journaled ? 1 : 0)
        if let clips = daemon.status.clips { self.clips(clips, &page) }
        if let history = daemon.status.history {
            page.value(.gauge, "watchword_history_bytes", "Bytes of the history.", Double(history.bytes))
            page.family(
                .counter, "watchword_history_entries_total",
                "Frames and clips on their way into the history: recorded, dropped by a full queue, lost by the disk.",
                [("recorded", history.recorded), ("dropped", history.dropped), ("lost", history.lost)]
                    .map { ([("outcome", $0.0)], Double($0.1)) })
            page.family(
                .counter, "watchword_history_pictures_total",
                "Pictures on their way into the history: recorded, dropped by a full queue, lost by the disk.",
                [
                    ("recorded", history.pictures), ("dropped", history.picturesDropped),
                    ("lost", history.picturesLost),
                ].map { ([("outcome", $0.0)], Double($0.1)) })
            page.value(
                .gauge, "watchword_history_ok", "1 while the history can be written.", history.problem == nil ? 1 : 0)
        }
        page.family(
            .counter, "watchword_clients_denied_total", "Clients of the ZeroMQ sockets that were turned away.",
            daemon.denied.sorted { $0.key < $1.key }.map { ([("reason", $0.key)], Double($0.value)) })
        page.value(.gauge, "watchword_seq", "Number of the newest message.", Double(daemon.status.seq))
    }

    private static func clips(_ clips: ClipStatus, _ page: inout Exposition) {
        page.value(.gauge, "watchword_clips_bytes", "Bytes of the clips of events.", Double(clips.bytes))
        page.value(
            .gauge, "watchword_clips_writing", "Clips that are being written.",
            Double(clips.writing.values.reduce(0, +)))
        page.family(
            .counter, "watchword_clips_total",
            "Clips of events: written, those of them cut short, refused as too many at once, empty, and failed.",
            [
                ("written", clips.written), ("cut", clips.cut), ("refused", clips.refused), ("empty", clips.empty),
                ("failed", clips.failed),
            ].map { ([("outcome", $0.0)], Double($0.1)) })
        page.value(.gauge, "watchword_clips_ok", "1 while clips can be written.", clips.problem == nil ? 1 : 0)
    }

    private static func notifiers(_ notifiers: [NotifierStatus], _ page: inout Exposition) {
        guard !notifiers.isEmpty else { return }
        func each(
            _ kind: Exposition.Kind, _ name: String, _ help: String, _ value: (NotifierStatus) -> Double
        ) {
            page.family(kind, "watchword_notify_\(name)", help, notifiers.map { ([("notifier", $0.name)], value($0)) })
        }
        each(.counter, "delivered_total", "Messages that a notifier's receiver took.") { Double($0.delivered) }
        each(.counter, "failures_total", "Attempts that failed.") { Double($0.failures) }
        each(.counter, "summarised_total", "Alerts that summaries have stood for.") { Double($0.summarised) }
        each(.gauge, "waiting", "Alerts that wait for a summary, and messages that are not looked at yet.") {
            Double($0.waiting)
        }
        each(.gauge, "oldest_seconds", "Age of the oldest alert that waits.") { $0.oldest }
        each(.gauge, "failing", "1 while attempts fail, and when the receiver is given up.") {
            [.failing, .gone, .dead].contains($0.state) ? 1 : 0
        }
    }

    private static func requests(_ web: WebCounters.Snapshot, _ page: inout Exposition) {
        page.family(
            .counter, "watchword_http_requests_total", "Requests answered, by route and status.",
            web.requests.sorted { ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status) }.map {
                ([("route", $0.key.route), ("status", "\($0.key.status)")], Double($0.value))
            })
        page.histograms("watchword_http_request_seconds", "Until a request's answer is there.", [([], web.seconds)])
        page.value(.gauge, "watchword_http_connections", "Connections that are open.", Double(web.connections))
        page.value(
            .counter, "watchword_http_connections_displaced_total",
            "Idle connections closed to make room for others, and those for which there was none.",
            Double(web.displaced))
        page.value(
            .counter, "watchword_http_connections_stalled_total",
            "Connections cut off: a request that did not come, or an answer that was not read.", Double(web.stalled))
        page.value(.gauge, "watchword_http_followers", "Clients of the event stream.", Double(web.followers))
        page.value(
            .counter, "watchword_http_followers_refused_total", "Clients of the event stream that were too many.",
            Double(web.followersRefused))
        page.value(
            .counter, "watchword_http_messages_sent_total", "Messages sent to clients of the event stream.",
            Double(web.sent))
    }

    private static func process(_ page: inout Exposition) {
        let facts = ProcessStatus()
        page.value(.gauge, "process_resident_memory_bytes", "Resident memory.", facts.residentBytes)
        page.value(.gauge, "process_virtual_memory_bytes", "Virtual memory.", facts.virtualBytes)
        page.value(.gauge, "process_open_fds", "Open files and connections.", facts.openDescriptors)
        page.value(.gauge, "process_max_fds", "Most that may be open.", facts.maxDescriptors)
        page.value(.gauge, "process_threads", "Threads.", facts.threads)
        page.value(.counter, "process_cpu_seconds_total", "Processor time.", facts.processorSeconds)
        page.value(.gauge, "process_start_time_seconds", "Start of the process, since 1970.", facts.start)
    }
}
