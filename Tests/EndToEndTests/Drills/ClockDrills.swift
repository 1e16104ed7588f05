import Concurrency
import Foundation
import SystemSupport
import TestSupport
import Testing
import WireFormat

/// A wall clock for one process that can be set: a library that is loaded before the C library.
///
/// Time stamps are shifted, and absolute times of waits are shifted back; monotonic clocks are not changed, as when the
/// real clock is set. Waits during which the clock jumps are not simulated.
struct WallClock {
    private let file: URL
    private let library: String
    var within: [String] { ["/usr/bin/env", "LD_PRELOAD=\(library)", "WALL_CLOCK=\(file.path)"] }

    init(_ place: Place) throws {
        file = place.folder.appending(path: "clock")
        library = place.folder.appending(path: "libclock.so").path
        try Data(repeating: 0, count: 8).write(to: file)
        let code = place.folder.appending(path: "clock.c")
        try Data(Self.code.utf8).write(to: code)
        let compiler = Process()
        compiler.executableURL = URL(filePath: "/usr/bin/env")
        compiler.arguments = [
            "cc", "-std=c11", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, code.path, "-ldl",
        ]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0)
    }

    func set(_ seconds: Int64) throws {
        let handle = try FileHandle(forUpdating: file)
        try handle.write(contentsOf: withUnsafeBytes(of: seconds) { Data($0) })
        try handle.close()
    }

    private static let code = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <pthread.h>
        #include <semaphore.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>
        static volatile long long none, *offset = &none;
        static __attribute__((constructor)) void begin(void) {
            const char *path = getenv("WALL_CLOCK");
            int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
            void *mapped = file < 0 ? MAP_FAILED : mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
            if (mapped == MAP_FAILED) abort();
            offset = mapped;
            close(file);
        }
        int clock_gettime(clockid_t id, struct timespec *now) {
            int status = (int)syscall(SYS_clock_gettime, id, now);
            if (status == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += *offset;
            return status;
        }
        int gettimeofday(struct timeval *restrict now, void *restrict zone) {
            struct timespec exact;
            (void)zone;
            clock_gettime(CLOCK_REALTIME, &exact);
            now->tv_sec = exact.tv_sec;
            now->tv_usec = exact.tv_nsec / 1000;
            return 0;
        }
        time_t time(time_t *now) {
            struct timespec exact;
            clock_gettime(CLOCK_REALTIME, &exact);
            if (now) *now = exact.tv_sec;
            return exact.tv_sec;
        }
        /* No machine has been up for thirty years: what is later is a time of day. */
        static struct timespec real(const struct timespec *until) {
            struct timespec shifted = *until;
            if (shifted.tv_sec > 1000000000) shifted.tv_sec -= *offset;
            return shifted;
        }
        int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                                   const struct timespec *restrict until) {
            static int (*next)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
            if (!next) next = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))dlvsym(
                RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
            if (!next) next = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))dlsym(
                RTLD_NEXT, "pthread_cond_timedwait");
            struct timespec shifted = real(until);
            return next(condition, mutex, &shifted);
        }
        int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
            static int (*next)(sem_t *, const struct timespec *);
            if (!next) next = (int (*)(sem_t *, const struct timespec *))dlsym(RTLD_NEXT, "sem_timedwait");
            struct timespec shifted = real(until);
            return next(semaphore, &shifted);
        }

        """
}

@Suite("Drills: the clock", .serialized)
struct ClockDrills {
    @Test("a wall clock that jumps an hour on and a day back is seen in what is told, and costs no frame and no event")
    func jumps() async throws {
        let place = try Place()
        let clock = try WallClock(place)
        let daemon = try Drilled(place, within: clock.within)
        let cameras = try await Cameras()
        try await daemon.ready()
        let healthy = try await daemon.addHealthy(cameras)
        var random = seededRandom("jumps of the clock")
        for offset: Int64 in [0, 3600, -86_400] {
            try clock.set(offset)
            let seq = await place.seq()
            #expect(try await until { try await !daemon.messages("match.healthy.circle", since: seq).isEmpty })
            // The newest: another may have been on its way when the clock was set.
            #expect(
                try await until {
                    guard let told = try await daemon.messages("match.healthy.circle", since: seq).last else {
                        return false
                    }
                    let end = try told.decoded(as: MatchMessage.self).end
                    return abs(end.timeIntervalSinceNow - Double(offset)) < 60
                })
            // Wherever in its film the next finds it: of 12 s, four frames a second.
            #expect(try await daemon.plays(HealthyStream.name, frames: Int64(1 + random.below(8))))
        }
        try clock.set(0)
        #expect(try await daemon.plays("healthy"))
        try await healthy.expectUnaffected()
        try await daemon.end()
        try expectWhole(place.entries())
    }
}
