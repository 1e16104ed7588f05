import Synchronization

/// The open connections; it chooses the one to close if there are too many.
///
/// Every connection is accepted, so that a health check never has to wait. Without a free place, an idle connection is
/// closed: first the oldest of the peer with most connections that were not let in yet. A connection with a request in
/// progress is never closed for another.
package final class ConnectionTable: Sendable {
    package typealias ID = ObjectIdentifier

    fileprivate struct Connection {
        let peer: Peer
        let close: @Sendable () -> Void
        /// A number that rises with every connection, and with each time one becomes idle.
        var age: Int
        /// The number of requests that have begun and are not answered.
        var answering = 0
        /// Whether a request of the connection was let in by `Gate`.
        var isKnown = false
    }

    fileprivate struct State {
        var connections: [ID: Connection] = [:]
        /// The idle connections that were not let in yet, by peer.
        var strangers: [Peer: Set<ID>] = [:]
        var clock = 0
    }

    private let state = Mutex(State())
    private let most: Int
    private let mostStrangers: Int
    /// The additional connections that are accepted while none is idle.
    private static let reserve = 64

    /// Makes a table of at most `most` connections; a peer that was not let in may have half as many idle ones.
    package init(most: Int) {
        self.most = most
        mostStrangers = max(1, most / 2)
    }

    /// Adds a new connection; returns false if there is no place for it.
    package func add(_ id: ID, _ peer: Peer, close: @escaping @Sendable () -> Void) -> Bool {
        let (isIn, loser) = state.withLock { state -> (Bool, Connection?) in
            var loser: Connection?
            if let own = state.strangers[peer], own.count >= mostStrangers {
                loser = state.oldest(of: own).flatMap { state.remove($0) }
            } else if state.connections.count >= most {
                loser = state.leastWanted.flatMap { state.remove($0) }
            }
            guard state.connections.count < most + Self.reserve else { return (false, loser) }
            state.clock += 1
            state.connections[id] = Connection(peer: peer, close: close, age: state.clock)
            state.strangers[peer, default: []].insert(id)
            return (true, loser)
        }
        loser?.close()
        return isIn
    }

    /// Removes a connection that has ended.
    package func remove(_ id: ID) { state.withLock { _ = $0.remove(id) } }

    /// Records that a request of the connection has begun.
    package func began(_ id: ID) {
        state.withLock { state in
            guard let peer = state.connections[id]?.peer else { return }
            state.connections[id]?.answering += 1
            state.forgetStranger(id, peer)
        }
    }

    /// Records that a request of the connection was answered.
    package func answered(_ id: ID) {
        state.withLock { state in
            guard var connection = state.connections[id] else { return }
            connection.answering = max(0, connection.answering - 1)
            state.clock += 1
            connection.age = state.clock
            state.connections[id] = connection
            if connection.answering == 0, !connection.isKnown {
                state.strangers[connection.peer, default: []].insert(id)
            }
        }
    }

    /// Records that a request of the connection was let in.
    package func letIn(_ id: ID) { state.withLock { $0.connections[id]?.isKnown = true } }
}

extension ConnectionTable.State {
    /// The idle connection to close first; nil if none is idle.
    fileprivate var leastWanted: ConnectionTable.ID? {
        if let crowd = strangers.values.max(by: { $0.count < $1.count }) { return oldest(of: crowd) }
        return oldest(of: connections.filter { $0.value.answering == 0 }.keys)
    }

    fileprivate func oldest(of ids: some Sequence<ConnectionTable.ID>) -> ConnectionTable.ID? {
        ids.min { (connections[$0]?.age ?? 0) < (connections[$1]?.age ?? 0) }
    }

    fileprivate mutating func remove(_ id: ConnectionTable.ID) -> ConnectionTable.Connection? {
        guard let connection = connections.removeValue(forKey: id) else { return nil }
        forgetStranger(id, connection.peer)
        return connection
    }

    fileprivate mutating func forgetStranger(_ id: ConnectionTable.ID, _ peer: Peer) {
        strangers[peer]?.remove(id)
        if strangers[peer]?.isEmpty == true { strangers[peer] = nil }
    }
}
