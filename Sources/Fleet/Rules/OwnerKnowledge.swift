/// Finds the node that owns a stream, from what this node has read in etcd and what it has claimed since.
package enum OwnerKnowledge {
    package static func owner(
        of stream: String, _ view: FleetView, _ running: [String: FleetMachine.Running], node: String
    ) -> Ownership? {
        let read = view.own[stream]
        if let claimed = running[stream], claimed.claimed >= read?.modified ?? 0 {
            return Ownership(node, epoch: claimed.epoch)
        }
        return read?.value
    }
}
