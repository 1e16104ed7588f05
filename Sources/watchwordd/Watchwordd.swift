import ArgumentParser
import CLIP
import Foundation
import Logging
import Messaging
import Watchtower
import WebAPI

/// The daemon: thin; everything is in Watchtower.
@main
struct Watchwordd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watchwordd", abstract: "Watches live video for events that are described in words.",
        version: watchwordVersion)

    @Option(name: .long, help: "The configuration, a YAML file.")
    var config: String

    func run() async throws {
        do {
            try await serve()
        } catch let error as ConfigurationError {
            try stop(78, "\(error)")
        } catch let error as MessagingError {
            try stop(69, "\(error)")
        } catch {
            try stop(78, "\(error)")
        }
    }

    private func stop(_ code: Int32, _ why: String) throws {
        FileHandle.standardError.write(Data("watchwordd: \(why)\n".utf8))
        throw ExitCode(code)
    }

    private func serve() async throws {
        Memory.keepSmall()
        Descriptors.allowMany()
        // A journal that may not grow is to be said, not to die of.
        signal(SIGXFSZ, SIG_IGN)
        let configuration = try Configuration.load(config)
        let level = Logger.Level(rawValue: configuration.logLevel) ?? .info
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        let logger = Logger(label: "watchwordd")
        let signals = AsyncStream<Int32> { continuation in
            let sources = [SIGTERM, SIGINT, SIGHUP].map { number in
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number)
                source.setEventHandler { continuation.yield(number) }
                source.resume()
                return source
            }
            let keep = KeptSources(sources)
            continuation.onTermination = { _ in keep.cancel() }
        }
        let tower = try await Watchtower(configuration, logger: logger)
        let operations = Operations(tower, limits: configuration.limits)
        let control = try ControlServer(
            binding: configuration.control, limits: configuration.limits, gate: tower.gate
        ) { await operations.answer($0) }
        defer { control.stop() }
        Descriptors.raise()
        var web: WebServer?
        if let http = configuration.http { web = try await WebServer(http, tower, logger: logger) }
        try await tower.begin()
        tower.vitals.setReady(true)
        logger.info(
            "ready",
            metadata: [
                "model": "\(tower.engine.model.identity)", "publish": "\(configuration.publish)",
                "control": "\(configuration.control)", "http": "\(web?.address ?? "off")",
            ])
        let scoring = Task { await tower.run() }
        for await number in signals {
            if number == SIGHUP {
                // Not waited for: it may take its time, and SIGTERM must not.
                Task { [config] in await tower.reload(config) }
                continue
            }
            logger.info("stopping", metadata: ["signal": "\(number)"])
            break
        }
        tower.vitals.setReady(false)
        await tower.stop()
        await scoring.value
        tower.outbox.feed.end()
        await web?.stop()
        logger.info("stopped")
    }
}

// @unchecked: dispatch sources are thread-safe; only `cancel` is called
private struct KeptSources: @unchecked Sendable {
    private let sources: [any DispatchSourceSignal]
    init(_ sources: [any DispatchSourceSignal]) { self.sources = sources }
    func cancel() { sources.forEach { $0.cancel() } }
}
