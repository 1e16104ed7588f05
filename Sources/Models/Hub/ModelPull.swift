import Checkpoints
import Digests
package import Foundation
import NIOPosix
import SystemSupport

/// Downloads a model from a hub into a directory.
///
/// The directory appears only when all files are complete and checked. An interrupted download can be resumed.
package struct ModelPull: Sendable {
    /// A progress report of a model download.
    package enum Progress: Sendable {
        /// The number of bytes received so far, the total number, and the name of the current file.
        case bytes(Int, of: Int, file: String)
        /// A temporary failure: its reason, and the seconds until the next attempt.
        case waiting(String, seconds: Double)
    }

    /// A downloaded file of the model.
    package struct File: Sendable, Encodable {
        package let name: String
        package let bytes: Int
        /// The kind of check that the file passed: `sha256`, `git-sha1` or `size`.
        package let checked: String
    }

    private let endpoint: HubEndpoint
    private let model: ModelName
    private let revision: Revision
    private let retries: Retries

    package init(_ model: ModelName, revision: Revision, from endpoint: HubEndpoint, retries: Retries = Retries()) {
        (self.model, self.revision, self.endpoint, self.retries) = (model, revision, endpoint, retries)
    }

    /// Downloads the model into `destination`; returns the files.
    ///
    /// Files are first collected in a hidden directory beside `destination`. They stay there if the download breaks
    /// off, and the next call resumes from them.
    package func run(
        into destination: URL, replacing: Bool, progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> [File] {
        let staged = destination.deletingLastPathComponent().appending(path: ".\(destination.lastPathComponent).pull")
        let lock = try await waitingForDisk {
            try StagedDirectory.check(destination, replacing: replacing)
            try StagedDirectory.makeDirectory(staged)
            return try DirectoryLock(staged.path)
        }
        let files: [File]
        do {
            files = try await HubClient.with(endpoint) { client in
                let listing = try await list(client) { progress(.waiting($0, seconds: $1)) }
                return try await download(listing, with: client, into: staged, progress: progress)
            }
        } catch {
            // If nothing was downloaded, leave no trace of, say, a mistyped name. `rmdir` removes only empty
            // directories.
            try await waitingForDisk { if rmdir(staged.path) == 0 { rmdir(staged.deletingLastPathComponent().path) } }
            throw error
        }
        try await waitingForDisk {
            try Self.tidy(staged, keeping: files.map(\.name))
            try StagedDirectory.publish(staged, as: destination, replacing: replacing)
        }
        withExtendedLifetime(lock) {}
        return files
    }

    private func waitingForDisk<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await NIOThreadPool.singleton.runIfActive(body)
    }

    private func list(
        _ client: HubClient, waiting: @escaping (String, Double) -> Void
    ) async throws -> RepositoryListing {
        let what = "model \(model.name), revision \(revision.name)"
        let url = try endpoint.listing(of: model, revision: revision)
        let data = try await retries.run(what, progress: { 0 }, waiting: waiting) {
            let answer = try await client.get(url, what)
            guard answer.status == 200 else { throw HubError(.badData, "\(what): the server answers \(answer.status)") }
            guard let data = try await HubClient.whole(answer, limit: RepositoryListing.limit) else {
                throw HubError(.badData, "\(what): the server's list of files does not end")
            }
            return data
        }
        return try RepositoryListing(data, model: model)
    }

    private func download(
        _ listing: RepositoryListing, with client: HubClient, into staged: URL,
        progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> [File] {
        let all = listing.files.reduce(0) { $0 + ($1.size ?? 0) }
        var done = 0
        var files: [File] = []
        for file in listing.files {
            let before = done
            let download = FileDownload(
                client: client, url: try endpoint.file(file.name, of: model, revision: revision), file: file,
                what: "\(model.name)/\(file.name)", part: PartFile(file.name, in: staged), retries: retries,
                waiting: { progress(.waiting($0, seconds: $1)) },
                progress: { progress(.bytes(before + $0, of: max(all, before + $0), file: file.name)) })
            let bytes = try await download.run()
            done += bytes
            let checked =
                switch file.checksum {
                case .sha256: "sha256"
                case .gitBlob: "git-sha1"
                case nil: "size"
                }
            files.append(File(name: file.name, bytes: bytes, checked: checked))
        }
        return files
    }

    /// Deletes the files in `staged` that are not among `names`, left by earlier downloads of other revisions.
    private static func tidy(_ staged: URL, keeping names: [String]) throws {
        for name in try FileManager.default.subpathsOfDirectory(atPath: staged.path)
        where !names.contains(name) && !names.contains(where: { $0.hasPrefix(name + "/") }) {
            try? FileManager.default.removeItem(at: staged.appending(path: name))
        }
    }
}
