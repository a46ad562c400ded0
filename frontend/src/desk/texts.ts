// Texts: the desk's own words and sentences in both languages; the shared ones are in data/words.

import { tongue } from '../data/words.svelte';

const vi = {
  title: 'Bàn điều hành Lào Cai', home: 'Tổng quan', menu: 'Trang', who: 'Trung tâm điều hành', rankingNav: 'Xếp hạng',
  attention: 'cần xử lý', ok: 'đạt', oldData: 'dữ liệu cũ', ofTiles: 'chỉ số được chấm điểm', scoreNote: '1,00 là đạt mọi đích; mỗi chỉ số tính tối đa 1,25',
  openIndicator: 'Mở chỉ số', allIndicators: 'Mọi chỉ số', lowest: 'thấp nhất',
  where: 'Địa bàn, đơn vị', asOf: 'Số liệu đầy đủ đến', sinceYesterday: 'so với chốt hôm qua', away: 'Cách đích', onTargetBy: 'vượt đích', shortBy: 'còn thiếu',
  worseBy: 'vượt ngưỡng', noFigure: 'chưa có số liệu', cases_of: 'trên', sample: 'cỡ mẫu',
  trend: 'Diễn biến', range: 'Khoảng', days30: '30 ngày', days90: '90 ngày', year: 'Từ đầu năm', hours48: '48 giờ',
  chartHint: 'Dùng phím mũi tên trái, phải, Home, End để đọc từng điểm.', asTable: 'Xem dạng bảng', day: 'Ngày', hourColumn: 'Giờ', gapPoint: 'không có số liệu',
  noTrend: 'Chưa có chốt nào trong khoảng này.', noTrendLoading: 'Nguồn đang nạp lịch sử; diễn biến hiện ra khi nạp xong từng ngày.',
  compare: 'So sánh', among: 'Xếp theo', worstFirst: 'Kém nhất trước', position: 'Thứ hạng', numDen: 'Tử / mẫu', sampleN: 'Số mẫu', data: 'Dữ liệu', stateColumn: 'Kết quả', target: 'Đích',
  sortBy: 'Sắp xếp theo', ascending: 'tăng dần', descending: 'giảm dần', showAll: 'Hiện tất cả', showLess: 'Chỉ hiện', rows: 'dòng',
  within: 'Trong phạm vi', choose: 'Chọn chỉ số', level: 'Cấp', summaryMet: 'đạt', summaryBelow: 'chưa đạt', summaryNone: 'không có giá trị',
  notAtLevel: 'Chỉ số này không tính cho cấp đã chọn. Chọn cấp khác.', noPeriod: 'Chưa có số liệu của kỳ này: kỳ mới bắt đầu hoặc chưa phát sinh hồ sơ.',
  stillLoading: 'Nguồn đang nạp; bảng đầy dần khi nạp xong.', sourceLost: 'Nguồn đang mất, không có số liệu để xếp hạng.', noneWithin: 'Không có đơn vị nào thuộc phạm vi đã chọn.',
  zeroDen: 'không phát sinh', partial: 'Chưa làm mới được, đang hiện số liệu đã có', noSource: 'Chưa có nguồn cho chỉ số này.',
  overdueList: 'Danh sách hồ sơ quá hạn', overdueNone: 'Không có hồ sơ nào quá hạn tại đây.', overdueLoading: 'Nguồn đang nạp; danh sách có thể chưa đủ.',
  daysOverdue: 'Số ngày quá hạn', under1: 'dưới 1 ngày', dueAt: 'Hạn trả', received: 'Tiếp nhận', agency: 'Cơ quan', page: 'Trang', of: 'trên', prev: 'Trang trước', allOverdue: 'Xem cả danh sách', fileCode: 'Mã hồ sơ',
  why: 'Vì sao có con số này', formula: 'Cách tính', legal: 'Căn cứ', targetsSet: 'Đích được giao', deadline: 'hạn', feed: 'Nguồn', noTargets: 'Chưa được giao đích; chỉ theo dõi.', here: 'Tại đây', toLevel: 'cấp',
  unknownSubject: 'Không có địa bàn hay đơn vị này', unknownIndicator: 'Không có chỉ số này', notHere: 'Chỉ số này không tính cho đơn vị đã chọn.', toHome: 'Về trang tổng quan', pageGone: 'Địa chỉ này không dẫn tới trang nào.',
  feedsOk: 'Mọi nguồn đang cấp số liệu.', feedsBad: 'nguồn cần xử lý', watermark: 'Đầy đủ đến', ageNow: 'Tuổi số liệu', lastSuccess: 'Lần nhận gần nhất', records: 'Bản ghi', pages: 'Trang đã nhận', quarantined: 'Bị giữ lại', fault: 'Lỗi gần nhất', doWhat: 'Việc cần làm', noFault: 'Không có lỗi',
  limits: 'Ngưỡng', lateAfter: 'trễ sau', staleAfter: 'cũ sau', absentAfter: 'mất sau', feedsIndicators: 'Chỉ số dùng nguồn này', quarantineList: 'Bản ghi bị giữ lại', quarantineNone: 'Không có bản ghi nào bị giữ lại.', reason: 'Lý do', times: 'Số lần', knownAt: 'Lúc nhận', payload: 'Nội dung', showPayload: 'Xem nội dung', newest: 'mới nhất', after: 'sau',
  doAuth: 'Kiểm tra tài khoản, mật khẩu hoặc mã truy cập của nguồn trong tệp cấu hình; báo đơn vị quản lý nguồn nếu đã bị thu hồi.',
  doBroken: 'Nguồn trả dữ liệu sai định dạng đã thống nhất. Xem bản ghi bị giữ lại bên dưới và gửi cho đơn vị quản lý nguồn; sau khi sửa bộ thu, chạy lại bằng “ioc replay”.',
  doClock: 'Đồng hồ của nguồn chạy lệch. Đề nghị đơn vị quản lý nguồn chỉnh giờ.',
  doSlow: 'Nguồn trả lời quá chậm hoặc không trả lời. Kiểm tra đường truyền; hệ thống tự thử lại.',
  doBusy: 'Nguồn đang từ chối vì quá tải; hệ thống chờ đúng thời gian nguồn yêu cầu rồi hỏi lại.',
  doDown: 'Không nối được tới nguồn. Kiểm tra đường truyền và gọi đơn vị quản lý nguồn; hệ thống tự thử lại, không cần khởi động lại.',
  doSilent: 'Nguồn vẫn trả lời nhưng không có số liệu mới. Hỏi đơn vị quản lý nguồn có tạm dừng đồng bộ không.',
  doStuck: 'Việc nạp đứng lại. Xem lỗi gần nhất; nếu không có, kiểm tra tiến trình thu thập.',
  doQuarantine: 'Có bản ghi bị giữ lại: xem lý do trong danh sách bên dưới.',
  doNothing: 'Không cần làm gì.',
};
export type Text = keyof typeof vi;

const en: Record<Text, string> = {
  title: 'Lào Cai operations desk', home: 'Overview', menu: 'Pages', who: 'Operations Center', rankingNav: 'Ranking',
  attention: 'need action', ok: 'on target', oldData: 'old data', ofTiles: 'scored indicators', scoreNote: '1.00 means every target met; an indicator counts 1.25 at most',
  openIndicator: 'Open indicator', allIndicators: 'All indicators', lowest: 'lowest',
  where: 'Area or unit', asOf: 'Figures complete up to', sinceYesterday: 'since yesterday’s close', away: 'Distance to target', onTargetBy: 'above target', shortBy: 'short by',
  worseBy: 'over the limit by', noFigure: 'no figure yet', cases_of: 'of', sample: 'sample',
  trend: 'Trend', range: 'Range', days30: '30 days', days90: '90 days', year: 'This year', hours48: '48 hours',
  chartHint: 'Use the left and right arrow keys, Home and End to read each point.', asTable: 'Show as a table', day: 'Day', hourColumn: 'Hour', gapPoint: 'no figure',
  noTrend: 'No close was kept in this range.', noTrendLoading: 'The source is loading its history; the trend appears day by day.',
  compare: 'Comparison', among: 'Ranked', worstFirst: 'Worst first', position: 'Rank', numDen: 'Num / den', sampleN: 'Sample', data: 'Data', stateColumn: 'Result', target: 'Target',
  sortBy: 'Sort by', ascending: 'ascending', descending: 'descending', showAll: 'Show all', showLess: 'Show only', rows: 'rows',
  within: 'Within', choose: 'Indicator', level: 'Level', summaryMet: 'met', summaryBelow: 'below target', summaryNone: 'without a value',
  notAtLevel: 'This indicator is not counted at this level. Choose another level.', noPeriod: 'No figures of this period yet: it has just begun, or nothing has happened in it.',
  stillLoading: 'The source is loading; the table fills as it goes.', sourceLost: 'The source is lost; there are no figures to rank.', noneWithin: 'No unit belongs to what you chose.',
  zeroDen: 'nothing to count', partial: 'Could not refresh; showing what is known', noSource: 'This indicator has no source yet.',
  overdueList: 'Overdue dossiers', overdueNone: 'No dossier is overdue here.', overdueLoading: 'The source is loading; the list may not be complete.',
  daysOverdue: 'Days overdue', under1: 'under 1 day', dueAt: 'Due', received: 'Received', agency: 'Agency', page: 'Page', of: 'of', prev: 'Previous page', allOverdue: 'Whole list', fileCode: 'Dossier code',
  why: 'Why this figure', formula: 'Formula', legal: 'Legal source', targetsSet: 'Targets set', deadline: 'due', feed: 'Source', noTargets: 'No target has been set; watched only.', here: 'Here', toLevel: 'level',
  unknownSubject: 'There is no such area or unit', unknownIndicator: 'There is no such indicator', notHere: 'This indicator is not counted for this unit.', toHome: 'Back to the overview', pageGone: 'This address leads to no page.',
  feedsOk: 'Every source is delivering.', feedsBad: 'sources need attention', watermark: 'Complete up to', ageNow: 'Age of data', lastSuccess: 'Last received', records: 'Records', pages: 'Pages taken', quarantined: 'Quarantined', fault: 'Last error', doWhat: 'What to do', noFault: 'No error',
  limits: 'Limits', lateAfter: 'late after', staleAfter: 'stale after', absentAfter: 'lost after', feedsIndicators: 'Indicators from this source', quarantineList: 'Quarantined records', quarantineNone: 'No record is held in quarantine.', reason: 'Reason', times: 'Times', knownAt: 'Received at', payload: 'Content', showPayload: 'Show content', newest: 'newest', after: 'after',
  doAuth: 'Check the account, password or token of the source in its configuration; tell the source’s operator if it was withdrawn.',
  doBroken: 'The source answers in another format than agreed. Look at the quarantined records below and send them to its operator; after mending the collector run “ioc replay”.',
  doClock: 'The source’s clock is wrong. Ask its operator to set it.',
  doSlow: 'The source answers too slowly or not at all. Check the line; the system keeps trying.',
  doBusy: 'The source refuses because it is busy; the system waits as long as it was told and asks again.',
  doDown: 'The source cannot be reached. Check the line and call its operator; the system keeps trying, no restart is needed.',
  doSilent: 'The source answers but has nothing new. Ask its operator whether synchronisation is paused.',
  doStuck: 'Loading stands still. See the last error; if there is none, check the collecting process.',
  doQuarantine: 'Some records are held in quarantine: see the reasons in the list below.',
  doNothing: 'Nothing to do.',
};

export function tell(text: Text): string {
  return (tongue.lang === 'en' ? en : vi)[text];
}
