import Fleet
import Foundation

/// A message of a simulated journal, and the truth about it.
struct SimulatedMessage {
    let seq: Int64
    let stream: String
    /// The epoch under which the stream was started that made it.
    let epoch: Int64
}

/// A box of the simulation: what a crash takes is in `process`, the rest is on its disk.
struct SimulatedNode {
    let name: String
    let index: Int

    // On the disk.
    var journal: [SimulatedMessage] = []
    var books: [String: EpochBook] = [:]
    var identity: String?
    /// The number that its part of the fleet's log begins after.
    var start: Int64 = 0
    var incarnation = 0

    /// What a crash takes.
    struct Process {
        var machine: FleetMachine
        var forwarder: Forwarder
        /// Streams that are run, with the epoch under which they were started.
        var runs: [String: Int64] = [:]
        /// Starts and stops, one after the other.
        var orders: [(stream: String, isStart: Bool, epoch: Int64)] = []
        var isBusy = false
        var watched: Int64 = 0
        var isWatching = false
        var forwarding: Int?
        /// The moving average of what its streams take.
        var load = 0.0
        /// Nodes' clocks are their own.
        var clockOffset: Double
    }
    var process: Process?

    // Faults.
    var pausedUntil = 0.0
    var partitionedUntil = 0.0
    /// Answers are lost, requests are not.
    var deafUntil = 0.0

    var journalName: String { "journal-of-\(name)" }
    var newest: Int64 { journal.last?.seq ?? 0 }
}
