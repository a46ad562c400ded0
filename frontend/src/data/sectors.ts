// Sectors: the English names of the fields of administrative procedures.

const ENGLISH: Record<string, string> = {
  'Hộ tịch': 'Civil status',
  'Chứng thực': 'Certification',
  'Tư pháp, lý lịch tư pháp': 'Justice, criminal records',
  'Đất đai': 'Land',
  'Môi trường, khoáng sản': 'Environment, minerals',
  'Đăng ký kinh doanh': 'Business registration',
  'Đầu tư': 'Investment',
  'Xây dựng, quy hoạch': 'Construction, planning',
  'Giao thông vận tải': 'Transport',
  'Người có công': 'People with merit',
  'Bảo trợ xã hội, lao động': 'Social protection, labour',
  'Giáo dục và đào tạo': 'Education and training',
  'Y tế, dược phẩm': 'Health, pharmaceuticals',
  'Nông nghiệp, lâm nghiệp': 'Agriculture, forestry',
  'Công thương, lưu thông hàng hóa': 'Industry, trade, circulation of goods',
  'Văn hóa, thể thao': 'Culture, sport',
  'Du lịch': 'Tourism',
  'Tài chính, giá': 'Finance, prices',
  'Nội vụ, thi đua - khen thưởng': 'Home affairs, commendation',
  'Thông tin, truyền thông': 'Information, communications',
};

/** Undefined for a name this list does not know: it stays as it is. */
export function sectorInEnglish(vietnamese: string): string | undefined {
  return ENGLISH[vietnamese];
}
