import Synchronization

/// The open connections, and which of them goes when there are too many.
///
/// Every connection is accepted, so that one that asks for health waits for no other. When there is no place left, an
/// idle one is closed: first of those that have not been let in yet, the oldest of the peer that has most of them.
/// Connections whose request is being answered are never closed for others.
package final class ConnectionTable: Sendable {
    package typealias ID = ObjectIdentifier

    fileprivate struct Connection {
        let peer: Peer
        let close: @Sendable () -> Void
        /// Rises with every connection, and every time it becomes idle.
        var age: Int
        /// Requests that have begun and are not answered.
        var answering = 0
        /// Whether one of its requests was let in.
        var isKnown = false
    }

    fileprivate struct State {
        var connections: [ID: Connection] = [:]
        /// Idle connections that were not let in yet, by peer.
        var strangers: [Peer: Set<ID>] = [:]
        var clock = 0
    }

    private let state = Mutex(State())
    private let most: Int
    private let mostStrangers: Int
    /// Connections beyond the most, if none of the others is idle.
    private static let reserve = 64

    /// `most`: connections; half as many idle ones of one peer before it is let in.
    package init(most: Int) {
        self.most = most
        mostStrangers = max(1, most / 2)
    }

    /// Takes a new connection; false if there is no place for it.
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

    /// It has ended.
    package func remove(_ id: ID) { state.withLock { _ = $0.remove(id) } }

    /// A request of it has begun.
    package func began(_ id: ID) {
        state.withLock { state in
            guard let peer = state.connections[id]?.peer else { return }
            state.connections[id]?.answering += 1
            state.forgetStranger(id, peer)
        }
    }

    /// A request of it was answered.
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

    /// Its request was let in.
    package func letIn(_ id: ID) { state.withLock { $0.connections[id]?.isKnown = true } }
}

extension ConnectionTable.State {
    /// The idle connection that goes first; nil if none is idle.
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
