import BrokerModel
import CommitLog
import EventLoop
import KafkaSessions
import KafkaWire
import Partitions

// One connection's Fetch requests: read now, or parked until there is more to read.
extension KafkaConnectionHandler {
    func fetch(
        _ reader: inout ByteReader,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) throws(KafkaWireError) -> Step {
        let version = header.apiVersion
        let request = try FetchRequest(reading: &reader, version: version)
        let now = service.loop.now
        let front = frontFetch ?? frontFetch(of: request, version: version, now: now)
        switch readers {
        case .answered(let answer): return take(answer, front, request, header, &output)
        case .reading(let answer), .overdue(let answer):
            return waitForReader(answer, front, request, header, &output)
        case .idle, .refused: readers = .idle
        }
        guard service.mayRead(self) else {
            frontFetch = front
            return .waiting
        }
        let mayWaitForMemory = now < front.memoryDeadline
        let granted = reserve(for: request, front)
        if granted == nil, mayWaitForMemory { return waitForMemory(front) }
        let start = output.count
        var pass = write(request, front, header, room: granted, to: &output)
        if let granted, pass.isCold {
            output.truncate(to: start)
            if readElsewhere(request, front, header, room: granted) {
                frontFetch = front
                service.counters.coldFetches.add()
                lookAgain(at: front.memoryDeadline)
                return .waiting
            }
            service.fetchMemory.release(granted)
            if mayWaitForMemory { return waitForMemory(front) }
            pass = write(request, front, header, room: nil, to: &output)
            readers = .idle
            return answered(pass, front, request, version, &output)
        }
        // What is held from here on is what the pass has read.
        if let granted { service.fetchMemory.release(granted) }
        guard granted == nil || now >= front.deadline || isEnough(pass, for: request) else {
            output.truncate(to: start)
            return waitForRecords(front, pass, request, now: now)
        }
        if pass.recordBytes > 0, !hold(ByteCount(pass.recordBytes)) {
            output.truncate(to: start)
            if mayWaitForMemory { return waitForMemory(front) }
            pass = write(request, front, header, room: nil, to: &output)
        }
        return answered(pass, front, request, version, &output)
    }

    /// The answer leaves. `start` is where its frame begins, where the pass did not write it to
    /// this output.
    private func answered(
        _ pass: FetchPass,
        _ front: FrontFetch,
        _ request: FetchRequest,
        _ version: Int16,
        copiedTo start: Int = 0,
        _ output: inout ByteWriter
    ) -> Step {
        let session = service.finishFetch(
            front.context,
            request,
            version: version,
            telling: pass.news
        )
        if session != 0, let position = pass.sessionIDPosition {
            output.patchInteger(session, at: start &+ position)
        }
        frontFetch = nil
        lastFetchBytes = pass.recordBytes
        service.counters.fetches.add()
        service.counters.bytesFetched.add(pass.recordBytes)
        report(pass.failures)
        return .answered
    }

    /// A disk that takes longer than the client waits costs it an empty answer, not its connection.
    /// The read goes on, and what it brings is in memory for the fetches that follow.
    private func waitForReader(
        _ answer: ReaderAnswer,
        _ front: FrontFetch,
        _ request: FetchRequest,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) -> Step {
        guard service.loop.now >= front.memoryDeadline else {
            frontFetch = front
            lookAgain(at: front.memoryDeadline)
            return .waiting
        }
        readers = .overdue(answer)
        service.counters.fetchesOverdue.add()
        return answeredEmpty(front, request, header, &output)
    }

    /// Sends what a reader thread has brought, unless it is too little and there is time left.
    private func take(
        _ answer: ReaderAnswer,
        _ front: FrontFetch,
        _ request: FetchRequest,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) -> Step {
        let now = service.loop.now
        readers = .idle
        guard let pass = answer.pass else { preconditionFailure("a Fetch is answered by a pass") }
        if answer.lacksMemory {
            service.releaseFetchMemory(answer.takeHeld())
            if now < front.memoryDeadline { return waitForMemory(front) }
            return answeredEmpty(front, request, header, &output)
        }
        guard front.context.isCurrent else {
            service.releaseFetchMemory(answer.takeHeld())
            return answeredEmpty(front, request, header, &output)
        }
        guard now >= front.deadline || isEnough(pass, for: request) else {
            service.releaseFetchMemory(answer.takeHeld())
            return waitForRecords(front, pass, isFresh: false, request, now: now)
        }
        let start = output.count
        output.writeBytes(answer.frame.bytes)
        service.turns.hasRead(pass.recordBytes)
        if pass.recordBytes > 0 { holdUntilSent(answer.takeHeld()) }
        return answered(pass, front, request, header.apiVersion, copiedTo: start, &output)
    }

    private func answeredEmpty(
        _ front: FrontFetch,
        _ request: FetchRequest,
        _ header: KafkaRequestHeader,
        _ output: inout ByteWriter
    ) -> Step {
        let pass = write(request, front, header, room: nil, to: &output)
        return answered(pass, front, request, header.apiVersion, &output)
    }

    /// Writes a whole response; one without records when there is no room for any.
    private func write(
        _ request: FetchRequest,
        _ front: FrontFetch,
        _ header: KafkaRequestHeader,
        room: ByteCount?,
        to output: inout ByteWriter
    ) -> FetchPass {
        var pass = FetchPass(
            of: request,
            identity: service.identity,
            catalog: service.catalog.snapshot,
            version: header.apiVersion,
            room: room ?? .zero,
            bringing: room == nil ? .nothing : .oneBatch,
            access: .resident
        )
        let plan = front.context.plan(for: request)
        respond(to: header, .fetch, &output) { pass.write(plan, to: &$0) }
        service.turns.hasRead(pass.recordBytes)
        return pass
    }

    private func hold(_ size: ByteCount) -> Bool {
        guard service.fetchMemory.reserve(size) else { return false }
        holdUntilSent(size)
        return true
    }

    private func frontFetch(
        of request: FetchRequest,
        version: Int16,
        now: MonotonicTime
    ) -> FrontFetch {
        let asked = Duration.milliseconds(Int64(max(0, request.waitMillisecondsMax)))
        let deadline = now + min(asked, KafkaServerLimits.fetchWaitMax)
        return FrontFetch(
            context: service.beginFetch(request, version: version),
            deadline: deadline,
            memoryDeadline: max(deadline, now + KafkaServerLimits.memoryWaitMin)
        )
    }

    private func isEnough(_ pass: FetchPass, for request: FetchRequest) -> Bool {
        pass.isUrgent || pass.isFull && pass.recordBytes > 0
            || pass.recordBytes >= Int(min(request.bytesMin, request.bytesMax))
    }

    /// Answers the fetch that waits with whatever there is.
    func endFetchWait() {
        frontFetch?.deadline = service.loop.now
        lookAgain()
    }

    /// Memory for as much as the request can bring, or for less when the pool is short of it; nil
    /// when it has next to none.
    private func reserve(for request: FetchRequest, _ front: FrontFetch) -> ByteCount? {
        let wanted = min(
            front.context.bytesMax(of: request),
            Int(max(0, request.bytesMax)),
            service.settings.fetchBytesMax.rawValue,
            service.fetchShare
        )
        let pool = service.fetchMemory
        let free = (pool.capacity - pool.used).rawValue
        let size = ByteCount(min(wanted, max(free, KafkaServerLimits.fetchReservationMin)))
        return pool.reserve(size) ? size : nil
    }

    private func waitForMemory(_ front: FrontFetch) -> Step {
        if !front.hasWaitedForMemory { service.counters.memoryWaits.add() }
        frontFetch = front
        frontFetch?.hasWaitedForMemory = true
        service.park(
            FetchWaiter(
                connection: connection.id,
                watched: [],
                deadline: front.memoryDeadline,
                earliest: service.loop.now,
                needsMemory: true
            ),
            of: self
        )
        return .waiting
    }

    private func waitForRecords(
        _ front: FrontFetch,
        _ pass: FetchPass,
        isFresh: Bool = true,
        _ request: FetchRequest,
        now: MonotonicTime
    ) -> Step {
        if !front.hasPolled { service.counters.longPolls.add() }
        frontFetch = front
        frontFetch?.hasPolled = true
        let isPatient = request.bytesMin > 1
        service.park(
            FetchWaiter(
                connection: connection.id,
                watched: pass.watched,
                deadline: front.deadline,
                earliest: isPatient ? now + KafkaServerLimits.patientFetchInterval : now,
                needsMemory: false,
                isFresh: isFresh
            ),
            of: self
        )
        return .waiting
    }
}
