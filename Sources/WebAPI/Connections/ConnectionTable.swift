import Synchronization

/// The table of open HTTP connections; it chooses the one to close if there are too many.
///
/// Every connection is accepted, so that a health check never has to wait. If the table is full, an idle connection is
/// closed: first the oldest of the peer with most connections on which no request was authorized yet. A connection with
/// a request in progress is never closed for another.
package final class ConnectionTable: Sendable {
    package typealias ID = ObjectIdentifier

    fileprivate struct Connection {
        let peer: Peer
        let close: @Sendable () -> Void
        /// A number that says how recently the connection was opened or last answered; higher is newer.
        var age: Int
        /// The number of requests on the connection that have begun and are not answered yet.
        var answering = 0
        /// True once a request on the connection had a valid token or session, or no token is needed.
        var isKnown = false
    }

    fileprivate struct State {
        var connections: [ID: Connection] = [:]
        /// The idle connections on which no request was authorized yet, by the peer's address.
        var strangers: [Peer: Set<ID>] = [:]
        var clock = 0
    }

    private let state = Mutex(State())
    private let most: Int
    private let mostStrangers: Int
    /// The number of connections beyond the limit that are accepted while no connection is idle.
    private static let reserve = 64

    /// Makes a table for at most `most` connections.
    ///
    /// A peer may have half as many idle connections on which no request was authorized.
    package init(most: Int) {
        self.most = most
        mostStrangers = max(1, most / 2)
    }

    /// Adds a new connection, and closes an idle one if the table is full; returns false if there is no room.
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

    /// Records that a request on the connection has begun, so that it is not idle.
    package func began(_ id: ID) {
        state.withLock { state in
            guard let peer = state.connections[id]?.peer else { return }
            state.connections[id]?.answering += 1
            state.forgetStranger(id, peer)
        }
    }

    /// Records that a request on the connection was answered.
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

    /// Records that a request on the connection was authorized, so that the connection is closed later than others.
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
