import Synchronization

/// A place that is taken, such as one of a limited number of requests in progress.
///
/// It is released once, by a function: when `leave` is called, or with the last reference to it.
final class Place: Sendable {
    private let giveBack: @Sendable () -> Void
    private let isTaken = Mutex(true)

    init(_ giveBack: @escaping @Sendable () -> Void) { self.giveBack = giveBack }
    deinit { leave() }

    func leave() {
        let wasTaken = isTaken.withLock { isTaken in
            defer { isTaken = false }
            return isTaken
        }
        if wasTaken { giveBack() }
    }
}

/// Limits the requests in progress to a fixed number, of which one client address may have three quarters.
final class Working: Sendable {
    private let most: Int
    private let peers = Mutex<[Peer: Int]>([:])

    init(_ most: Int) { self.most = most }

    func take(_ peer: Peer) throws(Refusal) -> Place {
        let isIn = peers.withLock { peers in
            let own = peers[peer] ?? 0
            guard peers.values.reduce(0, +) < most, own < most - most / 4 else { return false }
            peers[peer] = own + 1
            return true
        }
        guard isIn else {
            throw Refusal(
                503, "busy", "too many requests are being worked on; try again", headers: ["Retry-After": "1"])
        }
        return Place { self.leave(peer) }
    }

    private func leave(_ peer: Peer) {
        peers.withLock { peers in
            let own = (peers[peer] ?? 1) - 1
            peers[peer] = own > 0 ? own : nil
        }
    }
}
