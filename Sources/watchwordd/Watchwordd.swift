import ArgumentParser
import CLIP
import Commands
import Concurrency
import Daemon
import Engine
import Foundation
import Health
import Ingest
import Journal
import Logging
import Messaging
import Printing
import Publishing
import Service
import SystemSupport
import WatchwordConfiguration
import WebAPI

/// The command `watchwordd`, which only starts and ends `WatchwordDaemon`.
@main
struct Watchwordd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watchwordd", abstract: "Watches live video for events that are described in words.",
        version: watchwordVersion)

    @Option(name: .long, help: "The configuration, a YAML file.")
    var config = "/etc/watchword/watchword.yaml"

    static func main() async {
        StandardStream.reserve()
        await RootCommand.run(
            Watchwordd.self, Array(CommandLine.arguments.dropFirst()), program: "watchwordd")
    }

    func run() async throws {
        do {
            try await serve()
        } catch let error as MessagingError {
            try stop(Exit.unavailable, "\(error)")
        } catch let error as JournalError where error.isInUse {
            // Like an address in use: it may be free at the next try.
            try stop(Exit.unavailable, "\(error)")
        } catch {
            try stop(Exit.badConfiguration, "\(error)")
        }
    }

    private func stop(_ code: ExitCode, _ why: String) throws {
        let priority = LogLines.isJournal(STDERR_FILENO) ? "<3>" : ""
        RootCommand.complain("\(priority)watchwordd: \(ControlCharacters.escaped(why))")
        throw code
    }

    private func serve() async throws {
        // Whatever is written, it is not for everybody; the group's part is the starter's to say.
        umask(umask(0o077) | 0o007)
        PluginSearch.confine()
        Memory.keepSmall()
        ResourceLimits.raiseOpenFiles()
        let signals = Signals()
        let configuration = try Configuration.load(config)
        Reach.turnOn(configuration.sources)
        let logger = LogLines(configuration.log).logger("watchwordd")
        let notifier = SystemdNotifier()
        notifier.status("opening the model")
        let daemon = try await WatchwordDaemon(configuration, logger: logger)
        let operations = Operations(daemon, limits: configuration.limits)
        let control = try ControlServer(
            binding: configuration.control, limits: configuration.limits, gate: daemon.gate
        ) { await operations.answer($0, from: $1) }
        var web: WebServer?
        if let http = configuration.http { web = try await WebServer(http, daemon, logger: logger) }
        notifier.status("embedding queries")
        try await daemon.begin()
        daemon.health.setReady(true)
        let scoring = Task { await daemon.run() }
        let watchdog = Watchdog(notifier, logger: logger)
        let reports = [
            Task { await watchdog.ping { await daemon.goesRound() } },
            Task { await watchdog.tell { await daemon.summary() } },
        ]
        signals.ready()
        notifier.ready()
        logger.info(
            "ready",
            metadata: [
                "model": "\(daemon.engine.model.identity)", "publish": "\(configuration.publish)",
                "control": "\(configuration.control)", "http": "\(web?.address ?? "off")",
            ])
        for await number in signals.wishes {
            if number == SIGHUP {
                // Not waited for: it may take its time, and SIGTERM must not.
                Task { [config] in
                    notifier.reloading()
                    await daemon.reload(config)
                    notifier.ready()
                }
                continue
            }
            logger.info("stopping", metadata: ["signal": "\(number)"])
            break
        }
        notifier.stopping()
        daemon.health.setReady(false)
        reports.forEach { $0.cancel() }
        await end(daemon, control, web, scoring, logger)
    }

    /// Ends the daemon in order within five seconds, whatever streams and plugins do.
    private func end(
        _ daemon: WatchwordDaemon, _ control: ControlServer, _ web: WebServer?, _ scoring: Task<Void, Never>,
        _ logger: Logger
    ) async {
        let (answers, answer) = AsyncStream<Bool>.makeStream()
        let ended = await within(.seconds(4)) {
            control.stop()
            answer.yield(await daemon.stop())
            await scoring.value
            daemon.endFeeds()
            await web?.stop()
        }
        if ended, await answers.first(where: { _ in true }) == true { return logger.info("stopped") }
        if ended {
            logger.warning("a stream did not stop and is left behind")
        } else {
            logger.error("scoring did not stop and is left behind")
            // Its open events end in the journal.
            _ = await within(.milliseconds(500)) {
                let left = await daemon.abandonEvents()
                if left > 0 { logger.error("events were not told", metadata: ["messages": "\(left)"]) }
                await daemon.outbox.endInterrupted()
            }
        }
        logger.info("stopped")
        // Threads that hang would run on while the process is taken apart under them.
        _exit(0)
    }
}
